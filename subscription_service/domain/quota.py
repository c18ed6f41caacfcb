"""Quota: what an edition counts (R7), what does not fit into it, and the event that flips the quota flag (R33)."""

from datetime import datetime
from typing import Final

import msgspec

from shared.contracts.lifecycle import QuotaExceeded, QuotaRestored
from shared.contracts.lifecycle_parts import BoundQuotaUse, QuotaUse, RejectionCode
from shared.contracts.types import ProtectionMode, Specification
from subscription_service.domain.model import Account, Active, ServerTotals, specification_in_force
from subscription_service.domain.policy import Catalog
from subscription_service.domain.refusals import Rejection

_BELOW_INVENTORY: Final = (RejectionCode.SERVERS_BELOW_INVENTORY, RejectionCode.CORES_BELOW_INVENTORY)
_BELOW_BOUND: Final = (RejectionCode.SERVERS_BELOW_BOUND, RejectionCode.CORES_BELOW_BOUND)


class Quota(msgspec.Struct, frozen=True):
    """Purchased servers and cores; None where the edition does not count them (R7), and so anything fits."""

    servers: int | None
    cores: int | None


def quota_of(specification: Specification, catalog: Catalog) -> Quota:
    """The quota that a specification gives (R7)."""
    edition = catalog.editions[specification.edition]
    return Quota(
        specification.protected_servers if edition.counts_servers else None,
        specification.cores if edition.counts_cores else None,
    )


def fits(quota: Quota, needed: ServerTotals) -> bool:
    """Whether so many servers and cores are within the quota."""
    return (quota.servers is None or needed.servers <= quota.servers) and (
        quota.cores is None or needed.cores <= quota.cores
    )


def inventory_shortages(account: Account, specification: Specification, catalog: Catalog) -> tuple[Rejection, ...]:
    """What full protection lacks for the inventory, servers before cores; nothing in partial mode (R8, R9, R14)."""
    if specification.protection_mode is ProtectionMode.PARTIAL:
        return ()
    return _shortages(quota_of(specification, catalog), account.registered, _BELOW_INVENTORY)


def bound_shortages(account: Account, specification: Specification, catalog: Catalog) -> tuple[Rejection, ...]:
    """What partial protection lacks for the bound servers, servers before cores; nothing in full mode (R16)."""
    if specification.protection_mode is ProtectionMode.FULL:
        return ()
    return _shortages(quota_of(specification, catalog), account.bound, _BELOW_BOUND)


def exhaustion(quota: Quota, needed: ServerTotals) -> Rejection | None:
    """The refusal of a binding after which so much would be bound; servers before cores (R36)."""
    if quota.servers is not None and needed.servers > quota.servers:
        return Rejection(RejectionCode.QUOTA_EXHAUSTED, needed.servers, quota.servers, "protected servers")
    if quota.cores is not None and needed.cores > quota.cores:
        return Rejection(RejectionCode.QUOTA_EXHAUSTED, needed.cores, quota.cores, "cores")
    return None


def quota_change(account: Account, at: datetime, catalog: Catalog) -> QuotaExceeded | QuotaRestored | None:
    """The event that flips `quota_exceeded`, or None where the flag is right; only while active (R33)."""
    subscription = account.subscription
    if not isinstance(subscription, Active):
        return None
    specification = specification_in_force(subscription, at)
    exceeded = exceeds(account, specification, catalog)
    if exceeded == subscription.quota_exceeded:
        return None
    full, quota = specification.protection_mode is ProtectionMode.FULL, quota_of(specification, catalog)
    needed = _in_use(account, specification)
    mode = specification.protection_mode
    servers, cores = _use(needed.servers, quota.servers, full), _use(needed.cores, quota.cores, full)
    if exceeded:
        return QuotaExceeded(protection_mode=mode, servers=servers, cores=cores, specification=specification)
    return QuotaRestored(protection_mode=mode, servers=servers, cores=cores)


def exceeds(account: Account, specification: Specification, catalog: Catalog) -> bool:
    """Whether what is in use passes the quota: what is registered in full mode, what is bound in partial mode (R33)."""
    return not fits(quota_of(specification, catalog), _in_use(account, specification))


def _in_use(account: Account, specification: Specification) -> ServerTotals:
    full = specification.protection_mode is ProtectionMode.FULL
    return account.registered if full else account.bound


def _use(used: int, quota: int | None, full: bool) -> QuotaUse | BoundQuotaUse | None:
    if quota is None:
        return None
    return QuotaUse(registered=used, quota=quota) if full else BoundQuotaUse(bound=used, quota=quota)


def _shortages(quota: Quota, needed: ServerTotals, codes: tuple[RejectionCode, RejectionCode]) -> tuple[Rejection, ...]:
    if fits(quota, needed):
        return ()  # of most orders
    counted = zip(codes, (needed.servers, needed.cores), (quota.servers, quota.cores), strict=True)
    return tuple(
        Rejection(code, used, bought) for code, used, bought in counted if bought is not None and used > bought
    )
