"""One record in, read by its contract, ready to be decided. Pure.

`REGISTRY` is the program in one table: topic -> type -> what is read. The type of the data decides what happens with
it: `domain.step` matches on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, NamedTuple

from shared.contracts.envelope import (
    Event,
    Reason,
    Unreadable,
    check_subject,
    decode,
    fingerprint,
)
from shared.contracts.inbound import (
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
from shared.contracts.topics import RENEWALS, TEST_CLOCK, read_by
from shared.contracts.types import ProtectionMode
from shared.kafka.record import Record
from subscription_service.domain.model import Account, is_partial

REGISTRY: Mapping[str, Mapping[str, type[Any]]] = read_by("subscription")

_SPENDS: Mapping[type[Any], tuple[str, str]] = {
    PurchaseOrdered: ("order", "order_id"),
    RenewalOrdered: ("order", "order_id"),
    RenewalChangeOrdered: ("order", "order_id"),
    SpecificationChangeOrdered: ("order", "order_id"),
    AccountCredited: ("entry", "entry_id"),
    CouponIssued: ("coupon", "coupon_id"),
}
"""What is read -> kind and field of the id that it spends (R39)."""


class Verdict(Enum):
    """What the claims of an event's ids say (R39)."""

    FRESH = auto()
    DUPLICATE = auto()
    CONFLICT = auto()


class BusinessKey(NamedTuple):
    """The id that an event spends, over all accounts, and the fingerprint of its content (R39)."""

    kind: str
    id: str
    fingerprint: bytes


@dataclass(slots=True, eq=False)
class Incoming:
    """An event with the record that carried it; `until` and `waiting_id` are set while it waits.

    `event_key`: 16 bytes that stand for (`source`, `id`).
    """

    topic: str
    record: Record
    event: Event[Any]
    event_key: bytes
    business_key: BusinessKey | None
    verdict: Verdict = Verdict.FRESH
    until: datetime | None = None
    waiting_id: int | None = None

    @property
    def account_id(self) -> str:
        return self.event.subject

    @property
    def waits_for_purchase(self) -> bool:
        """Everything on `renewals`, and bindings, wait for an account that is not known (R40)."""
        return self.topic == RENEWALS or isinstance(self.event.data, ServerBound | ServerUnbound)

    def may_touch_all_servers(self, account: Account) -> bool:
        """Whether its decision may need every server of the account: a snapshot, or a switch to partial mode (R16)."""
        match self.event.data:
            case InventorySnapshot():
                return True
            case SpecificationChangeOrdered() | RenewalChangeOrdered() as order:
                return order.specification.protection_mode is ProtectionMode.PARTIAL and not is_partial(account)
        return False


def read(record: Record, topic: str, *, currency: str) -> Incoming:
    """All but its time, for which the clock is needed. Raises `Unreadable` with the reason for the dead letter."""
    incoming = reread(record, topic)
    data = incoming.event.data
    if topic != TEST_CLOCK:
        check_subject(incoming.event)
    if isinstance(data, AccountCredited) and data.currency != currency:
        raise Unreadable(Reason.INVALID_DATA, f"data.currency: expected {currency!r}, the catalog's")
    return incoming


def reread(record: Record, topic: str) -> Incoming:
    """A record that was valid when it came. Raises `Unreadable`."""
    return incoming_of(topic, record, decode(record.value, record.headers, REGISTRY[topic]))


def incoming_of(topic: str, record: Record, event: Event[Any]) -> Incoming:
    """With all that can be worked out before its batch has its turn."""
    event_key = blake2b(f"{event.source}\0{event.id}".encode(), digest_size=16).digest()
    return Incoming(topic, record, event, event_key, _business_key(event))


def _business_key(event: Event[Any]) -> BusinessKey | None:
    spends = _SPENDS.get(type(event.data))
    if spends is None:
        return None
    kind, name = spends
    return BusinessKey(kind, getattr(event.data, name), fingerprint(event))
