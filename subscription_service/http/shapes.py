"""The documents of the service's HTTP, as the contract names their fields; more may be added, none renamed.

The overview is the contract `Overview` itself, the events of the history are those of `subscription-lifecycle`.
"""

from collections.abc import Sequence
from dataclasses import fields, make_dataclass
from datetime import datetime
from typing import Any, Final, Self, Union

from pydantic import AwareDatetime, BaseModel, Field, create_model

from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.lifecycle_parts import LifecycleMetadata, Obstacle, Quote
from shared.contracts.scalars import Amount, Day, Id, Instant, Json
from shared.contracts.types import ConfigurationKind, Specification
from subscription_service.domain.orders import OrderEntry, OrderStatus, OrderType, status
from subscription_service.domain.timeline import TimelineEntry
from subscription_service.domain.timers import TimerKind


class Order(BaseModel):
    """One order (R18). `fee`: the list price when it was placed, or a change's price difference; null if rejected."""

    order_id: Id
    type: OrderType
    placed_at: AwareDatetime
    starts_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    months: int | None
    specification: Specification | None
    fee: Amount | None
    status: OrderStatus

    @classmethod
    def of(cls, entry: OrderEntry, now: datetime) -> Self:
        """`now` decides the status alone."""
        return cls(
            order_id=entry.order_id,
            type=entry.type,
            placed_at=entry.placed_at,
            starts_at=entry.starts_at,
            ends_at=entry.ends_at,
            months=entry.months,
            specification=entry.specification,
            fee=entry.fee,
            status=status(entry, now),
        )


class Orders(BaseModel):
    """All orders of an account, the oldest first."""

    orders: Sequence[Order]


class TimelineDocumentEntry(BaseModel):
    """What will happen at `at`; beside that only the figures that come with its kind are given."""

    at: AwareDatetime
    kind: TimerKind
    order_id: Id | None = None
    expires_on: Day | None = None
    charged: Amount | None = None
    balance_after: Amount | None = None
    fee: Amount | None = None
    shortfall: Amount | None = None
    attempt: int | None = None
    specification: Specification | None = None
    days_left: int | None = None
    retained_until: Instant | None = None
    release_at: Instant | None = None
    edition: str | None = None

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        return cls(at=entry.at, kind=entry.kind, **entry.details)


class Timeline(BaseModel):
    """What will happen by itself, if nothing else does; until release, five years at the most."""

    entries: Sequence[TimelineDocumentEntry]


class QuoteDocument(BaseModel):
    """The price of a renewal as is, and what would refuse it now (R14, R30)."""

    months: int
    fee: Amount
    currency: str
    obstacles: Sequence[Obstacle]

    @classmethod
    def of(cls, quote: Quote, obstacles: Sequence[Obstacle]) -> Self:
        return cls(months=quote.months, fee=quote.fee, currency=quote.currency, obstacles=obstacles)


class Setting(BaseModel):
    key: str
    value: Json


class Configuration(BaseModel):
    """The retained configuration of one kind (R32), by key."""

    kind: ConfigurationKind
    entries: Sequence[Setting]


def _stamped(contract: type[Any]) -> type[Any]:
    """The data of a lifecycle event as it is on the wire: `LifecycleMetadata` and the type's own fields, flat."""
    merged = [(each.name, each.type) for each in (*fields(LifecycleMetadata), *fields(contract))]
    return make_dataclass(contract.__name__, merged, kw_only=True, namespace={"__doc__": contract.__doc__})


_AnyData: Final[Any] = Union[tuple(map(_stamped, LIFECYCLE_EVENTS.values()))]  # noqa: UP007 - the members are data


class LifecycleEnvelope(BaseModel):
    """A lifecycle event as it stands on the topic."""

    specversion: str = Field(examples=["1.0"])
    datacontenttype: str = Field(examples=["application/json"])
    id: Id
    source: str
    type: str = Field(examples=["tenure.subscription.activated.v1"])
    time: Instant
    subject: Id
    recordedat: Instant
    traceparent: str | None = None
    sequence: int


LifecycleEvent: Final = create_model("LifecycleEvent", __base__=LifecycleEnvelope, data=(_AnyData, ...))

History: Final = create_model(
    "History",
    __doc__="Lifecycle events in `version` order; `after_version` asks for the next page, null on the last.",
    events=(list[LifecycleEvent], ...),
    after_version=(int | None, ...),
)


def history(events: Sequence[bytes], after_version: int | None) -> bytes:
    """A `History` whose events are given byte for byte as they were published."""
    following = b"null" if after_version is None else b"%d" % after_version
    return b'{"events":[%b],"after_version":%b}' % (b",".join(events), following)
