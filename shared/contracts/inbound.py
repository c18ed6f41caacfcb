"""All events in, of the three input topics.

These values are also the commands of the subscription core (docs/decisions/0002). To add a type: a dataclass and a row
in the module of its topic (`purchases`, `renewals`, `inventory`) or, where it has one, of its subject (`acts`,
`imported`, `recipients`), its class in `InboundData`, an example in `examples`.
"""

from collections.abc import Mapping

from shared.contracts.acts import (
    AccountDebited,
    AccountErased,
    CouponRevoked,
    RenewalCancelled,
    SubscriptionExtended,
)
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inventory import (
    INVENTORY_EVENTS,
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
from shared.contracts.purchases import PURCHASE_EVENTS, AccountCredited, ContactChanged, CouponIssued, PurchaseOrdered
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.renewals import (
    RENEWAL_EVENTS,
    AutoRenewalDisabled,
    AutoRenewalEnabled,
    RenewalChangeOrdered,
    RenewalDeclined,
    RenewalOrdered,
    SpecificationChangeOrdered,
)

InboundData = (
    PurchaseOrdered
    | AccountCredited
    | ContactChanged
    | RecipientsChanged
    | CouponIssued
    | AccountDebited
    | CouponRevoked
    | AccountErased
    | SubscriptionImported
    | RenewalOrdered
    | RenewalChangeOrdered
    | RenewalDeclined
    | SpecificationChangeOrdered
    | AutoRenewalEnabled
    | AutoRenewalDisabled
    | RenewalCancelled
    | SubscriptionExtended
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

INBOUND_EVENTS: Mapping[str, type[InboundData]] = {**PURCHASE_EVENTS, **RENEWAL_EVENTS, **INVENTORY_EVENTS}
"""Type -> contract: what the subscription service reads; `topics.py` says on which topic."""

INBOUND_TYPE: Mapping[type[InboundData], str] = {contract: name for name, contract in INBOUND_EVENTS.items()}
