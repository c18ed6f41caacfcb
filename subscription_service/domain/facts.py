"""Facts of an account: balance, coupons, servers, capacity, configuration, recipients (R37, R38, R45, R52).

`apply_fact` takes in what an event states, whatever the state of the subscription: credits, debits, coupons and their
revocations add up, the rest is newest per key. `apply_side_effects` changes facts after a lifecycle event. `evolve`
changes the rest of the account, and takes the fee of an automatic renewal off balance and coupons.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from msgspec import structs

from shared.contracts import lifecycle, lifecycle_acts
from shared.contracts.acts import AccountDebited, CouponRevoked
from shared.contracts.inbound import InboundData
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
from shared.contracts.purchases import AccountCredited, CouponIssued
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.types import ProtectionMode, Specification
from subscription_service.domain import inventory, recipients
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import (
    ZERO,
    Account,
    CapacityUse,
    ConfigurationEntry,
    Coupon,
    PlacedOrder,
    Released,
)
from subscription_service.domain.persistent_map import with_row
from subscription_service.domain.policy import Catalog
from subscription_service.domain.pricing import remainder, total
from subscription_service.domain.quota import quota_of
from subscription_service.domain.refusals import Rejection


def apply_fact(account: Account, command: InboundData, context: FactContext) -> Account | Rejection:
    """`account` with what the command states; the same object where nothing is new.

    Only a binding can be refused (R36).
    """
    fact = FACTS.get(type(command))
    return account if fact is None else fact(account, command, context)


def apply_side_effects(account: Account, event: lifecycle.LifecycleData, *, at: datetime, catalog: Catalog) -> Account:
    """`account`, to which `event` has been applied, with the facts that follow from it.

    A switch to partial mode binds servers (R16); what a snapshot has stated of bindings may take effect with a purchase
    or an import (R37). A release deletes configuration and bindings (R35). A purchase after it begins without
    configuration, also where older configuration events arrive later (R5). An order that appends a term or is taken
    back is kept for the decisions that follow (R46, R49).
    """
    if isinstance(event, lifecycle.SpecificationChanged):
        if _switches_to_partial(event.previous, event.specification):
            return inventory.bind_in_order(account, quota_of(event.specification, catalog), at)
    elif isinstance(event, lifecycle.Renewed):
        return _with_order(account, event.order_id, _placed(event, charged=event.charged or ZERO))
    elif isinstance(event, lifecycle_acts.RenewalTakenBack):
        return _with_order(account, event.order_id, PlacedOrder(charged=event.refunded, taken_back=True))
    elif isinstance(event, lifecycle.Released):
        return structs.replace(inventory.unbind_all(account, at), configuration={}, retained={}, configuration_floor=at)
    elif isinstance(event, lifecycle.Activated):
        return _bought(account, event, at)
    elif isinstance(event, lifecycle_acts.Imported) and _is_partial(event.specification):
        account = inventory.put_in_effect(account)
    return account


def credit(account: Account, command: AccountCredited, _: FactContext) -> Account:
    """R38: add to the balance."""
    return structs.replace(account, balance=total(account.balance, command.amount))


def debit(account: Account, command: AccountDebited, _: FactContext) -> Account:
    """R45: take off the balance, which may fall below zero."""
    return structs.replace(account, balance=remainder(account.balance, command.amount))


def issue_coupon(account: Account, command: CouponIssued, _: FactContext) -> Account:
    """R38: one more unused coupon; one that was revoked before it came stays away (R45)."""
    if command.coupon_id in account.revoked_coupons:
        return account
    coupon = Coupon(
        coupon_id=command.coupon_id,
        amount_off=command.amount_off,
        percent_off=command.percent_off,
        minimum_spend=command.minimum_spend,
        valid_from=command.valid_from,
        valid_until=command.valid_until,
    )
    return structs.replace(account, coupons=(*account.coupons, coupon))


def revoke_coupon(account: Account, command: CouponRevoked, _: FactContext) -> Account:
    """R45: take an unused coupon away; where it is used up, or is still to come, only its id is kept."""
    unused = tuple(coupon for coupon in account.coupons if coupon.coupon_id != command.coupon_id)
    return structs.replace(account, coupons=unused, revoked_coupons=account.revoked_coupons | {command.coupon_id})


def use_capacity(account: Account, command: CapacityUsed, context: FactContext) -> Account:
    """R37: the newest measurement per feature."""
    known = account.capacity.get(command.feature)
    if known is not None and context.stamp <= known.stamp:
        return account
    use = CapacityUse(command.used, context.stamp)
    return structs.replace(account, capacity={**account.capacity, command.feature: use})


def record_configuration(account: Account, command: ConfigurationRecorded, context: FactContext) -> Account:
    """R37: the newest value per kind and key."""
    return _configure(account, command, ConfigurationEntry(command.value, True, context.stamp))


def remove_configuration(account: Account, command: ConfigurationRemoved, context: FactContext) -> Account:
    """R37: a removal is kept, so that an older value cannot come back."""
    return _configure(account, command, ConfigurationEntry(None, False, context.stamp))


def _configure(
    account: Account, command: ConfigurationRecorded | ConfigurationRemoved, entry: ConfigurationEntry
) -> Account:
    """The newest per kind and key. After a release, and with a `time` before the floor, nothing changes (R5, R35)."""
    floor = account.configuration_floor
    if isinstance(account.subscription, Released) or (floor is not None and entry.stamp.time < floor):
        return account
    key = (command.kind, command.key)
    known = account.configuration.get(key)
    if known is not None and entry.stamp <= known.stamp:
        return account
    count = account.retained.get(command.kind, 0) + entry.present - (known is not None and known.present)
    return structs.replace(
        account,
        configuration=with_row(account.configuration, key, entry),
        retained={**account.retained, command.kind: count},
    )


def _bought(account: Account, event: lifecycle.Activated, at: datetime) -> Account:
    """R9: it begins with nothing bound, so only what was stated since has an effect."""
    if _is_partial(event.specification):
        account = inventory.put_in_effect(account, since=at)
    floor = None if account.configuration_floor is None else at
    return _with_order(structs.replace(account, configuration_floor=floor), event.order_id, _placed(event))


def _placed(event: lifecycle.Activated | lifecycle.Renewed, *, charged: Decimal = ZERO) -> PlacedOrder:
    fee = None if event.price is None else event.price.fee
    return PlacedOrder(charged=charged, fee=fee, months=event.term.months, specification=event.term.specification)


def _with_order(account: Account, order_id: str, order: PlacedOrder) -> Account:
    return structs.replace(account, placed_orders={**account.placed_orders, order_id: order})


def _switches_to_partial(previous: Specification, specification: Specification) -> bool:
    return not _is_partial(previous) and _is_partial(specification)


def _is_partial(specification: Specification) -> bool:
    return specification.protection_mode is ProtectionMode.PARTIAL


FACTS: Final[Mapping[type[InboundData], Callable[[Account, Any, FactContext], Account | Rejection]]] = {
    AccountCredited: credit,
    AccountDebited: debit,
    CouponIssued: issue_coupon,
    CouponRevoked: revoke_coupon,
    RecipientsChanged: recipients.move_stamp,
    CapacityUsed: use_capacity,
    ConfigurationRecorded: record_configuration,
    ConfigurationRemoved: remove_configuration,
    ServerRegistered: inventory.register,
    ServerResized: inventory.resize,
    ServerReleased: inventory.release,
    ServerBound: inventory.bind,
    ServerUnbound: inventory.unbind,
    InventorySnapshot: inventory.apply_snapshot,
}
"""Events in that state facts."""
