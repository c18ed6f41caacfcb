"""One account against the rules, without storage: events in, time passing, lifecycle events out.

`Scenario` does what `unit_of_work` does around `step`: it runs the timers that are due before each event (R4) and keeps
the lifecycle events. All rows are loaded. Days and hours in texts are of the billing zone (UTC+8).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from shared.contracts import imported, inventory, purchases, renewals
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import LifecycleData, OrderRejected
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.types import (
    ConfigurationKind,
    Contact,
    Edition,
    Feature,
    FurtherRecipient,
    ProtectionMode,
    Specification,
)
from subscription_service.domain.context import DecisionTime, instant_of
from subscription_service.domain.evolve import evolve
from subscription_service.domain.model import Account, Active, Grace, Released, VersionStamp
from subscription_service.domain.policy import EarlierPolicy, Policy, Rules
from subscription_service.domain.step import step
from subscription_service.domain.timers import next_timer
from subscription_service.policy_files.catalog import load_catalog
from subscription_service.policy_files.policy import load_policy

ACCOUNT = "acme"
RULES = Rules(policy=load_policy(), catalog=load_catalog())
PRICES = RULES.catalog.price_lists[0]
ANNA = Contact(name="Anna", email="anna@acme.example", locale="en", time_zone="Europe/Paris")
BERT = Contact(name="Bert", email="bert@acme.example", locale="zh-CN", time_zone="Asia/Shanghai")
E_ = TypeVar("E_")


def rules(**changes: Any) -> Rules:
    """The default rules with a policy that differs in these settings."""
    return replace(RULES, policy=replace(RULES.policy, **changes))


def restarted(before: Rules, at: str, **changes: Any) -> Rules:
    """The default rules with another policy, which took effect at a restart after that of `before`."""
    policy = rules(**changes).policy
    return replace(RULES, policy=replace(policy, earlier=EarlierPolicy(policy=before.policy, until=when(at))))


def when(text: str) -> datetime:
    """`2026-01-31 09:00` or `2026-01-31 09:00:01` on the clock of the billing zone."""
    return datetime.fromisoformat(text).replace(tzinfo=RULES.policy.billing_zone).astimezone(UTC)


def day(text: str) -> date:
    return date.fromisoformat(text)


def specification(
    edition: str = "ultimate", mode: str = "full", *, servers: int = 10, cores: int = 40, **features: int
) -> Specification:
    return Specification(
        edition=Edition(edition),
        protection_mode=ProtectionMode(mode),
        protected_servers=servers,
        cores=cores,
        value_added={Feature(name): amount for name, amount in features.items()},
    )


def purchase(order_id: str = "p-1", *, months: int = 1, **changes: Any) -> purchases.PurchaseOrdered:
    fields: dict[str, Any] = {
        "contact": ANNA,
        "specification": specification(),
        "auto_renewal": False,
        "terms_accepted": True,
    } | changes
    return purchases.PurchaseOrdered(order_id=order_id, account_id=ACCOUNT, duration_months=months, **fields)


def renewal(order_id: str = "r-1", *, months: int = 1, accepted: bool = True) -> renewals.RenewalOrdered:
    return renewals.RenewalOrdered(
        order_id=order_id, account_id=ACCOUNT, duration_months=months, terms_accepted=accepted
    )


def renewal_with(
    wanted: Specification, order_id: str = "rc-1", *, months: int = 1, accepted: bool = True
) -> renewals.RenewalChangeOrdered:
    return renewals.RenewalChangeOrdered(
        order_id=order_id,
        account_id=ACCOUNT,
        duration_months=months,
        specification=wanted,
        terms_accepted=accepted,
    )


def change(
    wanted: Specification, order_id: str = "c-1", *, accepted: bool = True
) -> renewals.SpecificationChangeOrdered:
    return renewals.SpecificationChangeOrdered(
        order_id=order_id, account_id=ACCOUNT, specification=wanted, terms_accepted=accepted
    )


def enable(months: int = 1) -> renewals.AutoRenewalEnabled:
    return renewals.AutoRenewalEnabled(account_id=ACCOUNT, cycle_months=months)


def disable() -> renewals.AutoRenewalDisabled:
    return renewals.AutoRenewalDisabled(account_id=ACCOUNT)


def decline() -> renewals.RenewalDeclined:
    return renewals.RenewalDeclined(account_id=ACCOUNT)


def credit(amount: str, entry_id: str = "cr-1") -> purchases.AccountCredited:
    return purchases.AccountCredited(entry_id=entry_id, account_id=ACCOUNT, amount=Decimal(amount), currency="USD")


def coupon(coupon_id: str = "k-1", **changes: Any) -> purchases.CouponIssued:
    fields: dict[str, Any] = {
        "minimum_spend": Decimal("0.00"),
        "valid_from": day("2020-01-01"),
        "valid_until": day("2030-12-31"),
    } | changes
    return purchases.CouponIssued(coupon_id=coupon_id, account_id=ACCOUNT, **fields)


def registered(server_id: str, cores: int = 4) -> inventory.ServerRegistered:
    return inventory.ServerRegistered(account_id=ACCOUNT, server_id=server_id, cores=cores)


def resized(server_id: str, cores: int) -> inventory.ServerResized:
    return inventory.ServerResized(account_id=ACCOUNT, server_id=server_id, cores=cores)


def released(server_id: str) -> inventory.ServerReleased:
    return inventory.ServerReleased(account_id=ACCOUNT, server_id=server_id)


def bound(server_id: str) -> inventory.ServerBound:
    return inventory.ServerBound(account_id=ACCOUNT, server_id=server_id)


def unbound(server_id: str) -> inventory.ServerUnbound:
    return inventory.ServerUnbound(account_id=ACCOUNT, server_id=server_id)


def snapshot(servers: Mapping[str, tuple[int, bool]]) -> inventory.InventorySnapshot:
    """Server id -> cores, bound."""
    return inventory.InventorySnapshot(
        account_id=ACCOUNT,
        servers=tuple(
            inventory.SnapshotServer(server_id=server_id, cores=cores, bound=is_bound)
            for server_id, (cores, is_bound) in servers.items()
        ),
    )


def recorded(key: str, kind: str = "tag", value: object = 1) -> inventory.ConfigurationRecorded:
    return inventory.ConfigurationRecorded(account_id=ACCOUNT, kind=ConfigurationKind(kind), key=key, value=value)


def removed(key: str, kind: str = "tag") -> inventory.ConfigurationRemoved:
    return inventory.ConfigurationRemoved(account_id=ACCOUNT, kind=ConfigurationKind(kind), key=key)


def used(amount: int, feature: str = "anti_ransomware_gb") -> inventory.CapacityUsed:
    return inventory.CapacityUsed(account_id=ACCOUNT, feature=Feature(feature), used=amount)


def contact_changed(contact: Contact) -> purchases.ContactChanged:
    return purchases.ContactChanged(account_id=ACCOUNT, contact=contact)


def recipient(name: str, *kinds: str) -> FurtherRecipient:
    """Gets these kinds; without any, all."""
    email = f"{name}@acme.example"
    return FurtherRecipient(recipient_id=name, name=name.title(), email=email, kinds=kinds or None)


def recipients_changed(*recipients: FurtherRecipient) -> RecipientsChanged:
    return RecipientsChanged(account_id=ACCOUNT, recipients=recipients)


@dataclass
class Scenario:
    """One account that begins unknown. `log`: its lifecycle events, each with its instant."""

    rules: Rules = RULES
    account: Account = field(default_factory=lambda: Account(account_id=ACCOUNT))
    log: list[tuple[datetime, LifecycleData]] = field(default_factory=list)
    arrivals: int = 0

    def receive(self, text: str | datetime, *commands: InboundData, now: datetime | None = None) -> list[LifecycleData]:
        """Events in, all with this `time` (also the clock's, unless `now` is given). Gives the lifecycle events that
        follow, those of due timers first.
        """
        time = when(text) if isinstance(text, str) else text
        first = len(self.log)
        for command in commands:
            self.arrivals += 1
            as_of = (now or time) if isinstance(command, imported.SubscriptionImported) else time
            at = instant_of(as_of, now or time, self.account.decided_at)
            self._run_timers(at, now or time)
            stamp = VersionStamp(time, "test", f"{self.arrivals:06}")
            decision_time = DecisionTime(at=at, now=now or time)
            self._keep(at, *step(self.account, command, time=decision_time, stamp=stamp, rules=self.rules))
        return self._emitted_since(first)

    def advance_to(self, text: str | datetime) -> list[LifecycleData]:
        """Move the clock. Gives the lifecycle events of the timers that are due by then."""
        now = when(text) if isinstance(text, str) else text
        first = len(self.log)
        self._run_timers(now, now)
        return self._emitted_since(first)

    def only(self, kind: type[E_]) -> E_:
        """The one event of this kind in the log."""
        (event,) = [event for _, event in self.log if isinstance(event, kind)]
        return event

    def times(self, kind: type[LifecycleData]) -> list[datetime]:
        """The instants of all events of this kind."""
        return [at for at, event in self.log if isinstance(event, kind)]

    @property
    def active(self) -> Active:
        assert isinstance(self.account.subscription, Active)
        return self.account.subscription

    @property
    def grace(self) -> Grace:
        assert isinstance(self.account.subscription, Grace)
        return self.account.subscription

    @property
    def is_released(self) -> bool:
        return isinstance(self.account.subscription, Released)

    def folded(self) -> Account:
        """The account that its log alone rebuilds."""
        return fold(self.log, self.rules.policy)

    def _run_timers(self, until: datetime, now: datetime) -> None:
        while (timer := next_timer(self.account, self.rules.policy)) and timer.at <= until:
            decision_time = DecisionTime(at=timer.at, now=max(now, timer.at))
            stamp = VersionStamp(timer.at, "timer", timer.kind)
            self._keep(timer.at, *step(self.account, timer, time=decision_time, stamp=stamp, rules=self.rules))

    def _keep(self, at: datetime, account: Account, events: tuple[LifecycleData, ...]) -> None:
        assert account.version == self.account.version + len(events)
        self.account = account
        self.log.extend((at, event) for event in events)

    def _emitted_since(self, first: int) -> list[LifecycleData]:
        return [event for _, event in self.log[first:]]


def fold(log: list[tuple[datetime, LifecycleData]], policy: Policy) -> Account:
    account = Account(account_id=ACCOUNT)
    for at, event in log:
        account = evolve(account, event, at=at, policy=policy)
    return account


def refusal(emitted: list[LifecycleData]) -> OrderRejected:
    """The refusal, which is the only event."""
    (event,) = emitted
    assert isinstance(event, OrderRejected)
    return event


def started(text: str = "2026-01-15 09:00", **changes: Any) -> Scenario:
    """A scenario that begins with a purchase."""
    rules_ = changes.pop("rules", RULES)
    scenario = Scenario(rules=rules_)
    scenario.receive(text, purchase(**changes))
    return scenario


def automatic(**changes: Any) -> Scenario:
    """Bought 15 January 2026 for a month with auto-renewal: E = 15 February, first attempt 6 February 08:00."""
    return started("2026-01-15 09:00", auto_renewal=True, **changes)


def rich() -> Scenario:
    """The same with a balance of 1000.00."""
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", credit("1000.00"))
    return scenario
