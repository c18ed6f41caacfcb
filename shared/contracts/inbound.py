"""Events in: the data of each type, grouped by the topic on which it belongs.

These values are also the commands of the subscription core (docs/decisions/0002). To add a type: a dataclass here, a
row in the mapping of its topic, a golden file under tests/contract/golden.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from shared.contracts.types import (
    ConfigurationKind,
    Contact,
    Count,
    Day,
    Feature,
    Flag,
    Id,
    Json,
    Money,
    PositiveMoney,
    Specification,
    Text,
    Whole,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseOrdered:
    order_id: Id
    account_id: Id
    contact: Contact
    specification: Specification
    duration_months: Whole
    auto_renewal: Flag
    terms_accepted: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCredited:
    entry_id: Id
    account_id: Id
    amount: PositiveMoney
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactChanged:
    account_id: Id
    contact: Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponIssued:
    """Either `amount_off` or `percent_off` (above 0, at most 100) is given, never both."""

    coupon_id: Id
    account_id: Id
    amount_off: PositiveMoney | None = None
    percent_off: Annotated[int, Field(strict=True, gt=0, le=100)] | None = None
    minimum_spend: Money
    valid_from: Day
    valid_until: Day

    def __post_init__(self) -> None:
        if (self.amount_off is None) == (self.percent_off is None):
            raise ValueError("expected either amount_off or percent_off")
        if self.minimum_spend < 0:
            raise ValueError("minimum_spend: expected 0.00 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalOrdered:
    order_id: Id
    account_id: Id
    duration_months: Whole
    terms_accepted: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalChangeOrdered:
    order_id: Id
    account_id: Id
    duration_months: Whole
    specification: Specification
    terms_accepted: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDeclined:
    account_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecificationChangeOrdered:
    order_id: Id
    account_id: Id
    specification: Specification
    terms_accepted: Flag


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalEnabled:
    account_id: Id
    cycle_months: Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoRenewalDisabled:
    account_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRegistered:
    account_id: Id
    server_id: Id
    cores: Count
    name: Text | None = None
    region: Text | None = None
    asset_group: Text | None = None
    tags: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerResized:
    account_id: Id
    server_id: Id
    cores: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReleased:
    account_id: Id
    server_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerBound:
    account_id: Id
    server_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerUnbound:
    account_id: Id
    server_id: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotServer:
    server_id: Id
    cores: Count
    bound: Flag = False
    name: Text | None = None
    region: Text | None = None
    asset_group: Text | None = None
    tags: Json = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventorySnapshot:
    account_id: Id
    servers: tuple[SnapshotServer, ...]

    def __post_init__(self) -> None:
        if len({server.server_id for server in self.servers}) != len(self.servers):
            raise ValueError("servers: expected each server_id once")


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityUsed:
    account_id: Id
    feature: Feature
    used: Annotated[int, Field(strict=True, ge=0, le=10**15)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRecorded:
    account_id: Id
    kind: ConfigurationKind
    key: Annotated[str, StringConstraints(min_length=1, max_length=512)]
    value: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRemoved:
    account_id: Id
    kind: ConfigurationKind
    key: Annotated[str, StringConstraints(min_length=1, max_length=512)]


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
