"""The JSON documents of the operators' HTTP API. Fields may be added, none may be renamed or removed.

The overview is the contract `Overview` itself; the events of the history are those of `subscription-lifecycle`.
"""

from collections.abc import Sequence
from dataclasses import fields, make_dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self, Union

from pydantic import AwareDatetime, BaseModel, create_model

from shared.contracts.fields import (
    MONEY,
    AccountId,
    AnnouncedAttemptAt,
    Attempt,
    BalanceAfter,
    CatalogCurrency,
    Charged,
    ConfigurationKey,
    ConfigurationValue,
    DaysLeft,
    ExpiresOn,
    Fee,
    OrderId,
    ReleaseAt,
    RetainedUntil,
    ServerCores,
    ServerId,
    Shortfall,
    described,
)
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.lifecycle_parts import LifecycleMetadata, Obstacle, Quote
from shared.contracts.scalars import Amount, Id, Instant
from shared.contracts.types import ConfigurationKind, ProtectionMode, Specification
from subscription_service.domain.model import Server
from subscription_service.domain.orders import OrderEntry, OrderStatus, OrderType, status
from subscription_service.domain.timeline import TimelineEntry
from subscription_service.domain.timers import TimerKind
from subscription_service.receipts import Receipt, ReceiptOutcome
from subscription_service.storage.waiting import StoredEvent


class Order(BaseModel):
    """One order (R18)."""

    order_id: OrderId
    type: Annotated[OrderType, described("Kind of the order.", "purchase")]
    placed_at: Annotated[AwareDatetime, described("When it was decided; UTC.", "2026-01-31T02:15:30Z")]
    starts_at: Annotated[
        AwareDatetime | None,
        described("When it takes effect; UTC; null where it was rejected.", "2026-01-31T02:15:30Z"),
    ]
    ends_at: Annotated[
        AwareDatetime | None,
        described("When its effect ends, exclusive; UTC; null where it was rejected.", "2026-02-28T16:00:00Z"),
    ]
    months: Annotated[
        int | None, described("Length of its term, in months; null for a specification change or a rejected order.", 1)
    ]
    specification: Annotated[Specification | None, described("What it buys; null where it was rejected.")]
    fee: Annotated[
        Amount | None,
        described(
            f"List price when it was placed, or a change's price difference; null where it was rejected. {MONEY}",
            "137.50",
        ),
    ]
    status: Annotated[OrderStatus, described("How it stands at the service clock's present time.", "effective")]

    @classmethod
    def of(cls, entry: OrderEntry, now: datetime) -> Self:
        """`now` (UTC) determines the status and nothing else."""
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
    """All orders of an account."""

    orders: Annotated[Sequence[Order], described("The oldest first.")]


class TimelineDocumentEntry(BaseModel):
    """What will happen at one instant. Besides `at` and `kind` only the fields of the events to come are present."""

    at: Annotated[AwareDatetime, described("When it will happen; UTC.", "2026-02-19T00:00:00Z")]
    kind: Annotated[TimerKind, described("The first of the things that will happen at that instant.", "deduction")]
    order_id: OrderId | None = None
    expires_on: ExpiresOn | None = None
    charged: Charged | None = None
    balance_after: BalanceAfter | None = None
    fee: Fee | None = None
    shortfall: Shortfall | None = None
    attempt: Attempt | None = None
    specification: Annotated[Specification | None, described("Specification that will be in force.")] = None
    attempt_at: AnnouncedAttemptAt | None = None
    quote: Annotated[Quote | None, described("What will be deducted at `attempt_at`, before a coupon.")] = None
    days_left: DaysLeft | None = None
    retained_until: RetainedUntil | None = None
    release_at: ReleaseAt | None = None
    edition: Annotated[str | None, described("Edition after the release.", "basic")] = None

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        return cls(at=entry.at, kind=entry.kind, **entry.details)


class Timeline(BaseModel):
    """What will happen by itself if no event comes: up to the release, at most 50 entries and five years."""

    entries: Annotated[Sequence[TimelineDocumentEntry], described("In the order of `at`.")]


class QuoteDocument(BaseModel):
    """The price of a renewal with the present specification, and what would refuse it now (R14, R30)."""

    months: Annotated[int, described("Duration that the price is for, in months.", 12)]
    fee: Annotated[Amount, described(f"List price of the renewal. {MONEY}", "402.00")]
    currency: CatalogCurrency
    obstacles: Annotated[Sequence[Obstacle], described("Checks that the renewal would fail now; none where empty.")]

    @classmethod
    def of(cls, quote: Quote, obstacles: Sequence[Obstacle]) -> Self:
        return cls(months=quote.months, fee=quote.fee, currency=quote.currency, obstacles=obstacles)


class WaitingEvent(BaseModel):
    """One event in that waits."""

    topic: Annotated[str, described("The topic that it came from, without prefix.", "renewals")]
    type: Annotated[str, described("Its type.", "tenure.renewal.ordered.v1")]
    id: Annotated[str, described("Its id.", "order-system:88121")]
    source: Annotated[str, described("Its source.", "/order-system")]
    time: Annotated[AwareDatetime, described("Its `time`; UTC.", "2026-02-12T06:40:00Z")]
    until: Annotated[
        AwareDatetime | None,
        described(
            "When it is refused unless a purchase was accepted (R40); null: it waits for timers (R4); UTC.",
            "2026-02-12T06:55:00Z",
        ),
    ]

    @classmethod
    def of(cls, stored: StoredEvent) -> Self:
        event = stored.event.event
        return cls(
            topic=stored.event.topic,
            type=event.type,
            id=event.id,
            source=event.source,
            time=event.time,
            until=stored.until,
        )


class Waiting(BaseModel):
    """Events in that wait."""

    events: Annotated[Sequence[WaitingEvent], described("In order of arrival, at most 100.")]


class ReceiptDocument(BaseModel):
    """What became of one record."""

    offset: Annotated[int, described("Where the record lies in its partition.", 4711)]
    outcome: Annotated[
        ReceiptOutcome, described("What became of it; one that is `waiting` gets another outcome later.", "applied")
    ]
    detail: Annotated[
        str, described("Code of a rejection, or reason and detail of a dead letter; may be empty.", "not_subscribed")
    ]

    @classmethod
    def of(cls, receipt: Receipt) -> Self:
        return cls(offset=receipt.record_offset, outcome=receipt.outcome, detail=receipt.detail)


class Receipts(BaseModel):
    """What became of records. Before `next_offset`, what is missing has the outcome of which no receipt was wanted."""

    receipts: Annotated[Sequence[ReceiptDocument], described("In the order of `offset`.")]
    next_offset: Annotated[
        int, described("Where the service reads on: what lies before it was decided or waits.", 4712)
    ]


class ConfigurationEntry(BaseModel):
    """One retained configuration entry."""

    key: ConfigurationKey
    value: ConfigurationValue


class Configuration(BaseModel):
    """The retained configuration of one kind (R32)."""

    kind: Annotated[ConfigurationKind, described("Kind of the entries.", "tag")]
    entries: Annotated[Sequence[ConfigurationEntry], described("In the order of `key`.")]


class RegisteredServer(BaseModel):
    """One registered server."""

    server_id: ServerId
    cores: ServerCores
    registered_at: Annotated[
        Instant | None, described("`time` of the event that it is registered by; UTC.", "2026-01-31T02:15:30Z")
    ]
    bound: Annotated[bool, described("Whether quota is assigned to it; counts in partial mode.", True)]
    protected: Annotated[bool, described("Whether it is protected now: bound, or in full mode every one.", True)]

    @classmethod
    def of(cls, server: Server, mode: ProtectionMode | None) -> Self:
        """`mode`: which servers are protected (`overview.protecting_mode`)."""
        return cls(
            server_id=server.server_id,
            cores=server.cores,
            registered_at=server.present_stamp.time if server.present_stamp else None,
            bound=server.bound,
            protected=mode is ProtectionMode.FULL or (mode is ProtectionMode.PARTIAL and server.bound),
        )


class ServerList(BaseModel):
    """One page of an account's registered servers."""

    servers: Annotated[Sequence[RegisteredServer], described("In the order of `server_id`.")]
    next: Annotated[str | None, described("`after` of the next page; null on the last.", "srv-17")] = None


def _stamped(contract: type[Any]) -> type[Any]:
    """The data of a lifecycle event as it is on the wire: `LifecycleMetadata` and the type's own fields, flat."""
    merged = [(each.name, each.type) for each in (*fields(LifecycleMetadata), *fields(contract))]
    return make_dataclass(contract.__name__, merged, kw_only=True, namespace={"__doc__": contract.__doc__})


_AnyData: Final[Any] = Union[tuple(map(_stamped, LIFECYCLE_EVENTS.values()))]  # noqa: UP007 - the members are data


class LifecycleEnvelope(BaseModel):
    """A lifecycle event: a CloudEvent in structured mode."""

    specversion: Annotated[str, described("Version of CloudEvents.", "1.0")]
    datacontenttype: Annotated[str, described("Media type of `data`.", "application/json")]
    id: Annotated[Id, described("Id of the event, unique within `source`.", "lce-7c2a61d0c9b54a5f8a37e0c1f2b3d4e5")]
    source: Annotated[str, described("The service that wrote it.", "/tenure/subscription")]
    type: Annotated[
        str, described("What happened; it determines the fields of `data`.", "tenure.subscription.renewed.v1")
    ]
    time: Annotated[Instant, described("When it happened, by the rules; UTC.", "2026-01-31T02:15:30Z")]
    subject: AccountId
    recordedat: Annotated[Instant, described("When it was decided, by the service clock; UTC.", "2026-01-31T02:15:31Z")]
    traceparent: Annotated[
        str | None, described("W3C trace context of the event that caused it, where it had one.")
    ] = None


class PublishedEnvelope(LifecycleEnvelope):
    """A lifecycle event as on the topic."""

    sequence: Annotated[int, described("Position in the partition of `subscription-lifecycle`, from 1, no gaps.", 42)]


_DATA: Final = (_AnyData, described("Fields of the type, with those that every lifecycle event has."))
LifecycleEvent: Final = create_model("LifecycleEvent", __base__=PublishedEnvelope, data=_DATA)
TriedEvent: Final = create_model("TriedEvent", __base__=LifecycleEnvelope, data=_DATA)
"""One that would follow from an event that is tried; it has no `sequence`."""

History: Final = create_model(
    "History",
    __doc__="One page of an account's lifecycle events.",
    events=(list[LifecycleEvent], described("In the order of `version`.")),
    after_version=(int | None, described("`after_version` of the next page; null on the last.", 100)),
)


def history(events: Sequence[bytes], after_version: int | None) -> bytes:
    """A `History` as JSON, its events byte for byte as they were published."""
    following = b"null" if after_version is None else b"%d" % after_version
    return b'{"events":[%b],"after_version":%b}' % (b",".join(events), following)
