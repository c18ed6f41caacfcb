"""One record in, read by its contract, ready to be decided. Pure.

`REGISTRY` is the program in one table: topic -> type -> what is read. The type of the data decides what happens with
it: `domain.step` matches on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from hashlib import blake2b
from typing import Any

from shared.contracts.clock import CLOCK_ADVANCED, ClockAdvanced
from shared.contracts.envelope import (
    Event,
    Reason,
    Unreadable,
    check_subject,
    decode,
    fingerprint,
)
from shared.contracts.inbound import (
    INBOUND,
    AccountCredited,
    CouponIssued,
    InventorySnapshot,
    PurchaseOrdered,
    RenewalChangeOrdered,
    RenewalOrdered,
    ServerBound,
    ServerUnbound,
    SpecificationChangeOrdered,
)
from shared.record import Record
from shared.topics import RENEWALS, TEST_CLOCK

REGISTRY: Mapping[str, Mapping[str, type[Any]]] = {**INBOUND, TEST_CLOCK: {CLOCK_ADVANCED: ClockAdvanced}}


class Verdict(Enum):
    """What the claims of an event's ids say (R39)."""

    FRESH = auto()
    DUPLICATE = auto()
    CONFLICT = auto()


@dataclass(slots=True, eq=False)
class Incoming:
    """An event with the record that carried it; `until` and `waiting_id` are set while it waits."""

    topic: str
    record: Record
    event: Event[Any]
    verdict: Verdict = Verdict.FRESH
    until: datetime | None = None
    waiting_id: int | None = None

    @property
    def account_id(self) -> str:
        return self.event.subject

    @property
    def event_key(self) -> bytes:
        """16 bytes that stand for (`source`, `id`)."""
        return blake2b(f"{self.event.source}\0{self.event.id}".encode(), digest_size=16).digest()

    @property
    def spent_id(self) -> tuple[str, str] | None:
        """The (kind, id) that this event spends, over all accounts (R39)."""
        match self.event.data:
            case PurchaseOrdered() | RenewalOrdered() | RenewalChangeOrdered() | SpecificationChangeOrdered() as order:
                return "order", order.order_id
            case AccountCredited(entry_id=entry_id):
                return "entry", entry_id
            case CouponIssued(coupon_id=coupon_id):
                return "coupon", coupon_id
        return None

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.event)

    @property
    def waits_for_purchase(self) -> bool:
        """Everything on `renewals`, and bindings, wait for an account that is not known (R40)."""
        return self.topic == RENEWALS or isinstance(self.event.data, ServerBound | ServerUnbound)

    @property
    def may_touch_all_servers(self) -> bool:
        """Its decision may need every server of the account, not only the ones that it names."""
        return isinstance(self.event.data, InventorySnapshot | SpecificationChangeOrdered | RenewalChangeOrdered)


def read(record: Record, topic: str, *, currency: str) -> Incoming:
    """All but its time, for which the clock is needed. Raises `Unreadable` with the reason for the dead letter."""
    event = decode(record.value, record.headers, REGISTRY[topic])
    if topic != TEST_CLOCK:
        check_subject(event)
    if isinstance(event.data, AccountCredited) and event.data.currency != currency:
        raise Unreadable(Reason.INVALID_DATA, f"data.currency: expected {currency!r}, the catalog's")
    return Incoming(topic, record, event)
