"""Events in: the data of each type, grouped by the topic on which it belongs.

These values are also the commands of the subscription core (docs/decisions/0002). To add a type: a dataclass here, a
row in the mapping of its topic, an example in `examples`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from shared.contracts.fields import (
    AccountId,
    AmountOff,
    AssetGroup,
    CapacityInUse,
    ConfigurationKey,
    ConfigurationValue,
    CouponId,
    Credit,
    Currency,
    CycleMonths,
    DurationMonths,
    EntryId,
    IsBound,
    MinimumSpend,
    OrderId,
    PercentOff,
    Region,
    ServerCores,
    ServerId,
    ServerName,
    Tags,
    TermsAccepted,
    ValidFrom,
    ValidUntil,
    WantsAutoRenewal,
    described,
)
from shared.contracts.types import ConfigurationKind, Contact, Feature, Specification


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrdered:
    """A first purchase, or a new one after release (R5)."""

    order_id: OrderId
    account_id: AccountId
    contact: Contact
    specification: Specification
    duration_months: DurationMonths
    auto_renewal: WantsAutoRenewal
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCredited:
    """Money was added to the account's balance."""

    entry_id: EntryId
    account_id: AccountId
    amount: Credit
    currency: Currency


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    """Another contact replaces the account's."""

    account_id: AccountId
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponIssued:
    """A coupon for one automatic renewal; either `amount_off` or `percent_off` is given, never both."""

    coupon_id: CouponId
    account_id: AccountId
    amount_off: AmountOff | None = None
    percent_off: PercentOff | None = None
    minimum_spend: MinimumSpend
    valid_from: ValidFrom
    valid_until: ValidUntil

    def __post_init__(self) -> None:
        if (self.amount_off is None) == (self.percent_off is None):
            raise ValueError("expected either amount_off or percent_off")
        if self.valid_until < self.valid_from:
            raise ValueError("valid_until: expected no day before valid_from")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalOrdered:
    """A renewal with the specification of the last term (R13)."""

    order_id: OrderId
    account_id: AccountId
    duration_months: DurationMonths
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalChangeOrdered:
    """A renewal with another specification (R15)."""

    order_id: OrderId
    account_id: AccountId
    duration_months: DurationMonths
    specification: Specification
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDeclined:
    """The customer will not renew (R28)."""

    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationChangeOrdered:
    """A change of the term in force, at once (R19)."""

    order_id: OrderId
    account_id: AccountId
    specification: Specification
    terms_accepted: TermsAccepted


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalEnabled:
    """Auto-renewal is switched on, or its cycle changes (R21)."""

    account_id: AccountId
    cycle_months: CycleMonths


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalDisabled:
    """Auto-renewal is switched off (R28)."""

    account_id: AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRegistered:
    """A server joined the account's inventory (R36)."""

    account_id: AccountId
    server_id: ServerId
    cores: ServerCores
    name: ServerName | None = None
    region: Region | None = None
    asset_group: AssetGroup | None = None
    tags: Tags = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResized:
    """A server has another number of cores (R36)."""

    account_id: AccountId
    server_id: ServerId
    cores: ServerCores


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReleased:
    """A server left the account's inventory (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBound:
    """Quota is bound to a server: it is protected in partial mode (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUnbound:
    """A server's quota is free again (R36)."""

    account_id: AccountId
    server_id: ServerId


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotServer:
    """One server of a snapshot."""

    server_id: ServerId
    cores: ServerCores
    bound: IsBound = False
    name: ServerName | None = None
    region: Region | None = None
    asset_group: AssetGroup | None = None
    tags: Tags = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySnapshot:
    """The whole inventory as of the event's `time`; servers that it does not name are gone (R37)."""

    account_id: AccountId
    servers: Annotated[tuple[SnapshotServer, ...], described("Every server of the account, each once.")]

    def __post_init__(self) -> None:
        if len({server.server_id for server in self.servers}) != len(self.servers):
            raise ValueError("servers: expected each server_id once")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityUsed:
    """How much of a value-added feature is in use now."""

    account_id: AccountId
    feature: Feature
    used: CapacityInUse


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRecorded:
    """A configuration entry was added or replaced (R37)."""

    account_id: AccountId
    kind: ConfigurationKind
    key: ConfigurationKey
    value: ConfigurationValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRemoved:
    """A configuration entry was removed (R37)."""

    account_id: AccountId
    kind: ConfigurationKind
    key: ConfigurationKey


InboundData = (
    PurchaseOrdered
    | AccountCredited
    | ContactChanged
    | CouponIssued
    | RenewalOrdered
    | RenewalChangeOrdered
    | RenewalDeclined
    | SpecificationChangeOrdered
    | AutoRenewalEnabled
    | AutoRenewalDisabled
    | ServerRegistered
    | ServerResized
    | ServerReleased
    | ServerBound
    | ServerUnbound
    | InventorySnapshot
    | CapacityUsed
    | ConfigurationRecorded
    | ConfigurationRemoved
)

PURCHASE_EVENTS: Mapping[str, type[InboundData]] = {
    "tenure.purchase.ordered.v1": PurchaseOrdered,
    "tenure.account.credited.v1": AccountCredited,
    "tenure.account.contact_changed.v1": ContactChanged,
    "tenure.coupon.issued.v1": CouponIssued,
}
"""Type -> contract, on `purchases`."""

RENEWAL_EVENTS: Mapping[str, type[InboundData]] = {
    "tenure.renewal.ordered.v1": RenewalOrdered,
    "tenure.renewal.change_ordered.v1": RenewalChangeOrdered,
    "tenure.renewal.declined.v1": RenewalDeclined,
    "tenure.specification.change_ordered.v1": SpecificationChangeOrdered,
    "tenure.auto_renewal.enabled.v1": AutoRenewalEnabled,
    "tenure.auto_renewal.disabled.v1": AutoRenewalDisabled,
}
"""Type -> contract, on `renewals`."""

INVENTORY_EVENTS: Mapping[str, type[InboundData]] = {
    "tenure.server.registered.v1": ServerRegistered,
    "tenure.server.resized.v1": ServerResized,
    "tenure.server.released.v1": ServerReleased,
    "tenure.server.bound.v1": ServerBound,
    "tenure.server.unbound.v1": ServerUnbound,
    "tenure.inventory.snapshot.v1": InventorySnapshot,
    "tenure.capacity.used.v1": CapacityUsed,
    "tenure.configuration.recorded.v1": ConfigurationRecorded,
    "tenure.configuration.removed.v1": ConfigurationRemoved,
}
"""Type -> contract, on `server-inventory`."""

INBOUND_EVENTS: Mapping[str, type[InboundData]] = {**PURCHASE_EVENTS, **RENEWAL_EVENTS, **INVENTORY_EVENTS}
"""Type -> contract: what the subscription service reads; `topics.py` says on which topic."""

INBOUND_TYPE: Mapping[type[InboundData], str] = {contract: name for name, contract in INBOUND_EVENTS.items()}
