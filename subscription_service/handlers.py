"""The registry of events in, and how a record becomes an `Incoming` event. Pure.

`REGISTRY` shows the whole program: which types come on which topic, which class their data have, which id each spends
and which wait for a purchase. What happens then depends on the class of the data alone:
- `domain/facts.py` (`FACTS`): what it changes at once: balance, coupons, servers, capacity, configuration
- `domain/decide.py` (its three tables): the lifecycle events or the refusal it leads to

To add a type: its contract (`shared/contracts/inbound.py` says how), a row here, and a function in one of the
tables there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from hashlib import blake2b
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from shared.contracts.acts import (
    AccountDebited,
    AccountErased,
    CouponRevoked,
    RenewalCancelled,
    SubscriptionExtended,
)
from shared.contracts.clock import CLOCK_ADVANCED, ClockAdvanced
from shared.contracts.envelope import Event, check_not_in_future, check_subject, decode, fingerprint
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inventory import (
    CapacityUsed,
    ConfigurationRecorded,
    ConfigurationRemoved,
    InventorySnapshot,
    ServerBound,
    ServerRegistered,
    ServerReleased,
    ServerResized,
    ServerUnbound,
)
from shared.contracts.purchases import AccountCredited, ContactChanged, CouponIssued, PurchaseOrdered
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.renewals import (
    AutoRenewalDisabled,
    AutoRenewalEnabled,
    RenewalChangeOrdered,
    RenewalDeclined,
    RenewalOrdered,
    SpecificationChangeOrdered,
)
from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY, TEST_CLOCK
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.record import Record
from shared.kafka.sizes import size_of
from subscription_service.domain import importing, inventory
from subscription_service.domain.deduction import retries_after_credit
from subscription_service.domain.model import Account, VersionStamp


class EventType(NamedTuple):
    """One type of event in.

    `contract`: the class of its data. `spends`: the field of its data that holds an id which counts once over all
    accounts (R39). `needs_purchase`: it waits while its account is not known (R40).
    """

    contract: type[Any]
    spends: str | None = None
    needs_purchase: bool = False


REGISTRY: Final[Mapping[str, Mapping[str, EventType]]] = {
    PURCHASES: {
        "tenure.purchase.ordered.v1": EventType(PurchaseOrdered, spends="order_id"),
        "tenure.account.credited.v1": EventType(AccountCredited, spends="entry_id"),
        "tenure.account.contact_changed.v1": EventType(ContactChanged),
        "tenure.account.recipients_changed.v1": EventType(RecipientsChanged),
        "tenure.coupon.issued.v1": EventType(CouponIssued, spends="coupon_id"),
        "tenure.account.debited.v1": EventType(AccountDebited, spends="entry_id"),
        "tenure.coupon.revoked.v1": EventType(CouponRevoked),
        "tenure.account.erased.v1": EventType(AccountErased),
        "tenure.subscription.imported.v1": EventType(SubscriptionImported, spends="import_id"),
    },
    RENEWALS: {
        "tenure.renewal.ordered.v1": EventType(RenewalOrdered, spends="order_id", needs_purchase=True),
        "tenure.renewal.change_ordered.v1": EventType(RenewalChangeOrdered, spends="order_id", needs_purchase=True),
        "tenure.renewal.declined.v1": EventType(RenewalDeclined, needs_purchase=True),
        "tenure.specification.change_ordered.v1": EventType(
            SpecificationChangeOrdered, spends="order_id", needs_purchase=True
        ),
        "tenure.auto_renewal.enabled.v1": EventType(AutoRenewalEnabled, needs_purchase=True),
        "tenure.auto_renewal.disabled.v1": EventType(AutoRenewalDisabled, needs_purchase=True),
        "tenure.renewal.cancelled.v1": EventType(RenewalCancelled, needs_purchase=True),
        "tenure.subscription.extended.v1": EventType(SubscriptionExtended, spends="extension_id", needs_purchase=True),
    },
    SERVER_INVENTORY: {
        "tenure.server.registered.v1": EventType(ServerRegistered),
        "tenure.server.resized.v1": EventType(ServerResized),
        "tenure.server.released.v1": EventType(ServerReleased),
        "tenure.server.bound.v1": EventType(ServerBound, needs_purchase=True),
        "tenure.server.unbound.v1": EventType(ServerUnbound, needs_purchase=True),
        "tenure.inventory.snapshot.v1": EventType(InventorySnapshot),
        "tenure.capacity.used.v1": EventType(CapacityUsed),
        "tenure.configuration.recorded.v1": EventType(ConfigurationRecorded),
        "tenure.configuration.removed.v1": EventType(ConfigurationRemoved),
    },
    TEST_CLOCK: {CLOCK_ADVANCED: EventType(ClockAdvanced)},
}
"""Topic -> type -> what it is. An advance of the test clock is not decided: `batch` keeps it for the barrier."""

CONTRACTS: Final[Mapping[str, Mapping[str, type[Any]]]] = {
    topic: {name: event_type.contract for name, event_type in types.items()} for topic, types in REGISTRY.items()
}
"""Topic -> type -> class of the data: what the envelope is read by."""


class Verdict(Enum):
    """What `storage.deduplication` finds about an event's ids (R39).

    FRESH: neither was seen before. DUPLICATE: the event, or its business id with the same content, was.
    CONFLICT: its business id was spent with other content.
    """

    FRESH = auto()
    DUPLICATE = auto()
    CONFLICT = auto()


class BusinessKey(NamedTuple):
    """An id that an event spends, unique in its kind (`order`, `entry`, `coupon`, `import`, `extension`), and the
    fingerprint of its content (type and validated data) (R39).
    """

    kind: str
    id: str
    fingerprint: bytes


IN_AN_ORDER: Final = frozenset({"order", "import", "extension"})
"""Kinds of ids that orders and imports spend: with other content they are refused, `order_conflict` (R39, R42)."""

_LATEST: Final = datetime.max.replace(tzinfo=UTC)
"""Later than every clock: what states it is decided as of the service clock."""


@dataclass(slots=True, eq=False)
class Incoming:
    """An event in, with the record that carried it.

    `topic`: logical name. `event_key`: 16 bytes that stand for (`source`, `id`). `business_keys`: its own id, and of an
    import also the order ids of its terms (R42). `waiting_id`: id of its row while it waits, None until it has one.
    `kept_fingerprint`: of the content that it came with, where its person was forgotten while it waited (R48);
    `rewritten`: that was in this transaction.
    """

    topic: str
    record: Record
    event: Event[Any]
    event_key: bytes
    business_keys: tuple[BusinessKey, ...]
    verdict: Verdict = Verdict.FRESH
    waiting_id: int | None = None
    kept_fingerprint: bytes | None = None
    rewritten: bool = False

    @property
    def account_id(self) -> str:
        return self.event.subject

    @property
    def time(self) -> datetime:
        """The CloudEvents `time` (UTC), as of which it is decided; an import is as of the service clock (R43)."""
        return _LATEST if self.is_import else self.event.time

    @property
    def stamp(self) -> VersionStamp:
        """What orders the facts that it states (R37)."""
        return VersionStamp(self.event.time, self.event.source, self.event.id)

    @property
    def is_import(self) -> bool:
        """Whether it takes over a subscription; refused, it spends no id but its event's (R42)."""
        return isinstance(self.event.data, SubscriptionImported)

    @property
    def size(self) -> int:
        """Bytes of the record: key, value and headers."""
        return size_of(self.record)

    @property
    def needs_purchase(self) -> bool:
        """Whether it waits while its account is not known (R40); what is refused for its id does not (R41)."""
        return self.verdict is Verdict.FRESH and REGISTRY[self.topic][self.event.type].needs_purchase

    @property
    def is_act(self) -> bool:
        """Whether an operator did it, rather than a customer or another system."""
        return getattr(self.event.data, "operator", None) is not None

    @property
    def touches_waiting(self) -> bool:
        """Whether what waits for its account may go on because of it (R40, R42), or be blanked (R48)."""
        touching = PurchaseOrdered | SubscriptionImported | AccountErased
        return isinstance(self.event.data, touching) and self.verdict is not Verdict.DUPLICATE

    def may_use_coupon(self, account: Account) -> bool:
        """Whether a coupon may pay for what it leads to (R24, R25)."""
        return isinstance(self.event.data, AccountCredited) and retries_after_credit(account)

    def may_touch_all_servers(self, account: Account) -> bool:
        """Whether its decision may need every server of the account."""
        return inventory.may_need_all_servers(account, self.event.data, self.event.time)


def read(record: Record, topic: str, *, currency: str, zone: ZoneInfo) -> Incoming:
    """Read a record of a logical topic; `currency` is the catalog's, `zone` the billing zone.

    What the clock decides is checked later, by `why_too_early`.

    Raises `Unreadable` with the reason and the detail of the dead letter.
    """
    incoming = reread(record, topic)
    data = incoming.event.data
    if topic != TEST_CLOCK:
        check_subject(incoming.event)
    if isinstance(data, AccountCredited | AccountDebited) and data.currency != currency:
        raise Unreadable(Reason.INVALID_DATA, f"data.currency: expected {currency!r}, the catalog's")
    if isinstance(data, SubscriptionImported):
        for field, expected in importing.faults(data, zone):
            raise Unreadable(Reason.INVALID_DATA, f"data.{field}: {expected}")
    return incoming


def why_too_early(incoming: Incoming, now: datetime) -> Unreadable | None:
    """Why an event cannot be decided at the service clock's time (UTC): its `time` lies in the future, or an import's
    first term has not started (R42). An advance of the test clock may lie in the future.
    """
    if incoming.topic == TEST_CLOCK:
        return None
    try:
        check_not_in_future(incoming.event, now)
    except Unreadable as unreadable:
        return unreadable.with_traceback(None)
    data = incoming.event.data
    fault = importing.not_started(data.terms, now) if isinstance(data, SubscriptionImported) else None
    return Unreadable(Reason.INVALID_DATA, f"data.{fault[0]}: {fault[1]}") if fault else None


def in_turn(events: Sequence[Incoming]) -> Iterator[Sequence[Incoming]]:
    """The events in parts of which the ids are recorded one after the other: nearly always one part.

    Whether an import spends its ids is known once it was decided (R42), so a later event with one of them is in a
    later part.
    """
    if not any(event.is_import for event in events):
        yield events
        return
    part: list[Incoming] = []
    undecided: set[tuple[str, str]] = set()
    for event in events:
        ids = {key[:2] for key in event.business_keys}
        if undecided & ids:
            yield part
            part, undecided = [], set()
        part.append(event)
        if event.is_import:
            undecided |= ids
    yield part


def reread(record: Record, topic: str) -> Incoming:
    """Read a record that was valid when it came, and has waited since. Raises `Unreadable`."""
    return incoming_of(topic, record, decode(record.value, record.headers, CONTRACTS[topic], keep_fields=False))


def incoming_of(topic: str, record: Record, event: Event[Any]) -> Incoming:
    """Work out all that needs no database, so that it is done while an earlier batch is being stored."""
    event_key = blake2b(f"{event.source}\0{event.id}".encode(), digest_size=16).digest()
    return Incoming(topic, record, event, event_key, tuple(_business_keys(topic, event)))


def _business_keys(topic: str, event: Event[Any]) -> Iterator[BusinessKey]:
    field = REGISTRY[topic][event.type].spends
    if field is None:
        return
    content = fingerprint(event)
    yield BusinessKey(field.removesuffix("_id"), getattr(event.data, field), content)
    if isinstance(event.data, SubscriptionImported):
        yield from (BusinessKey("order", term.order_id, content) for term in event.data.terms)
