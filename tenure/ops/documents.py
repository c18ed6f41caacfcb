"""What the page reads of a record: the few fields that it counts, by type. Pure.

Everything else in a record is passed over, so that a field that is added later, or broken, changes nothing here. The
readers raise `msgspec.MsgspecError`, or `UnicodeDecodeError`, for what is not what the contract says.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from shared.contracts.state import SubscriptionState
from shared.contracts.types import Edition, Feature, ProtectionMode

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, ValueError, RecursionError)
"""What reading garbage may raise."""


class Bought(msgspec.Struct, frozen=True, gc=False):
    """A specification, as `shared.contracts.types.Specification` has it."""

    edition: Edition
    protection_mode: ProtectionMode
    protected_servers: int
    cores: int
    value_added: dict[Feature, int]


class BoughtTerm(msgspec.Struct, frozen=True, gc=False):
    """Of a term: what a renewal of it would repeat."""

    months: int
    specification: Bought


class Servers(msgspec.Struct, frozen=True, gc=False):
    """Servers and their cores; null where a quota does not count them (R7)."""

    servers: int | None
    cores: int | None


class Switch(msgspec.Struct, frozen=True, gc=False):
    """Auto-renewal as it is set."""

    enabled: bool
    cycle_months: int | None
    next_attempt_at: datetime | None
    failing: bool


class StateDocument(msgspec.Struct, frozen=True, gc=False):
    """A document of `subscription-state`."""

    account_id: str
    state: SubscriptionState
    edition: str | None
    specification: Bought | None
    terms: list[BoughtTerm]
    expires_on: date | None
    retained_until: datetime | None
    auto_renewal: Switch
    declined: bool
    registered: Servers
    bound: Servers
    purchased_quota: Servers
    balance: Decimal
    version: int
    revision: int


class Cause(msgspec.Struct, frozen=True, gc=False):
    """The event that led to a lifecycle event, or a timer."""

    type: str
    id: str


class LifecycleFacts(msgspec.Struct, frozen=True, gc=False):
    """Of a lifecycle event's data: what refusals and failed attempts are listed with."""

    account_id: str
    version: int
    cause: Cause
    code: str | None = None
    order_id: str | None = None
    order_type: str | None = None
    fee: Decimal | None = None
    discount: Decimal | None = None
    shortfall: Decimal | None = None
    attempt: int | None = None


class LifecycleEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of `subscription-lifecycle`."""

    id: str
    type: str
    time: datetime
    data: LifecycleFacts


class OutcomeFacts(msgspec.Struct, frozen=True, gc=False):
    """Of an outcome's data."""

    notification_id: str
    account_id: str
    lifecycle_event_id: str
    lifecycle_type: str
    channel: str
    attempts: int
    reason: str | None


class OutcomeEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of `notification-outcomes`."""

    type: str
    data: OutcomeFacts


class ClockFacts(msgspec.Struct, frozen=True, gc=False):
    """Of a settled test clock: where it stands."""

    now: datetime


class ClockEvent(msgspec.Struct, frozen=True, gc=False):
    """An event of `test-clock-settled`."""

    data: ClockFacts


class Identity(msgspec.Struct, frozen=True, gc=False):
    """Of an event in, in structured mode: its id."""

    id: str = ""


read_state = msgspec.json.Decoder(StateDocument).decode
read_lifecycle = msgspec.json.Decoder(LifecycleEvent).decode
read_outcome = msgspec.json.Decoder(OutcomeEvent).decode
read_clock = msgspec.json.Decoder(ClockEvent).decode
_read_identity = msgspec.json.Decoder(Identity).decode


def event_id(value: bytes | None, headers: Mapping[str, bytes | None]) -> str:
    """The id of an event in, in binary or structured mode; empty where there is none."""
    named = headers.get("ce_id")
    return named.decode() if named else _read_identity(value or b"").id


def kind_of(event_type: str) -> str:
    """The word of a type that tells events of a topic apart: `renewed` of `tenure.subscription.renewed.v1`."""
    words = event_type.split(".")
    return words[-2] if len(words) > 2 else event_type


def headers_of(record: Any) -> Mapping[str, bytes | None]:
    """A record's headers by lower-case name."""
    return {name.lower(): value for name, value in record.headers}
