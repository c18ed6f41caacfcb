"""Quota: what an edition counts, whether a load fits, and the one flag that says so.

A `Quota` has None where its edition does not count (R7); None always fits.
"""

from datetime import datetime
from typing import Final, NamedTuple

from shared.contracts.lifecycle import QuotaExceeded, QuotaRestored
from shared.contracts.lifecycle_parts import BoundQuotaUse, QuotaUse, RejectionCode
from shared.contracts.types import ProtectionMode, Specification
from subscription_service.domain.model import Account, Active, ServerTotals, specification_in_force
from subscription_service.domain.policy import Catalog
from subscription_service.domain.refusals import Rejection

_BELOW_INVENTORY: Final = (RejectionCode.SERVERS_BELOW_INVENTORY, RejectionCode.CORES_BELOW_INVENTORY)
_BELOW_BOUND: Final = (RejectionCode.SERVERS_BELOW_BOUND, RejectionCode.CORES_BELOW_BOUND)


class Quota(NamedTuple):
    """What was bought, where it counts."""

    servers: int | None
    cores: int | None


def quota_of(specification: Specification, catalog: Catalog) -> Quota:
    """What a specification lets be protected (R7)."""
    edition = catalog.editions[specification.edition]
    return Quota(
        specification.protected_servers if edition.counts_servers else None,
        specification.cores if edition.counts_cores else None,
    )


def fits(quota: Quota, load: ServerTotals) -> bool:
    servers, cores = quota
    return (servers is None or load.servers <= servers) and (cores is None or load.cores <= cores)


def inventory_shortages(account: Account, specification: Specification, catalog: Catalog) -> tuple[Rejection, ...]:
    """By how much full protection misses the inventory, servers first; nothing in partial mode (R8, R9, R14)."""
    if specification.protection_mode is ProtectionMode.PARTIAL:
        return ()
    return _shortages(quota_of(specification, catalog), account.registered, _BELOW_INVENTORY)


def bound_shortages(account: Account, specification: Specification, catalog: Catalog) -> tuple[Rejection, ...]:
    """By how much partial protection misses what is bound already; nothing in full mode (R16)."""
    if specification.protection_mode is ProtectionMode.FULL:
        return ()
    return _shortages(quota_of(specification, catalog), account.bound, _BELOW_BOUND)


def exhaustion(quota: Quota, load: ServerTotals) -> Rejection | None:
    """Why `load` cannot be bound, servers before cores (R36)."""
    if quota.servers is not None and load.servers > quota.servers:
        return Rejection(RejectionCode.QUOTA_EXHAUSTED, load.servers, quota.servers, "protected servers")
    if quota.cores is not None and load.cores > quota.cores:
        return Rejection(RejectionCode.QUOTA_EXHAUSTED, load.cores, quota.cores, "cores")
    return None


def quota_notice(account: Account, at: datetime, catalog: Catalog) -> QuotaExceeded | QuotaRestored | None:
    """The event that flips the flag, when it has to flip; only while active (R33)."""
    subscription = account.subscription
    if not isinstance(subscription, Active):
        return None
    specification = specification_in_force(subscription, at)
    full = specification.protection_mode is ProtectionMode.FULL
    load = account.registered if full else account.bound
    quota = quota_of(specification, catalog)
    exceeded = not fits(quota, load)
    if exceeded == subscription.quota_exceeded:
        return None
    return (QuotaExceeded if exceeded else QuotaRestored)(
        protection_mode=specification.protection_mode,
        servers=_use(load.servers, quota.servers, full),
        cores=_use(load.cores, quota.cores, full),
    )


def _use(used: int, quota: int | None, full: bool) -> QuotaUse | BoundQuotaUse | None:
    if quota is None:
        return None
    return QuotaUse(registered=used, quota=quota) if full else BoundQuotaUse(bound=used, quota=quota)


def _shortages(quota: Quota, load: ServerTotals, codes: tuple[RejectionCode, RejectionCode]) -> tuple[Rejection, ...]:
    return tuple(
        Rejection(code, used, bought)
        for code, used, bought in zip(codes, load, quota, strict=True)
        if bought is not None and used > bought
    )
