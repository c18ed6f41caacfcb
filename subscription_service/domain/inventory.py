"""Servers and their bindings: three registers per server, each won by the greatest stamp (R36, R37).

Any order of arrival ends the same. `Account.servers` holds the rows that were loaded: those that the event names, or
all of them for a snapshot and a switch of mode; the totals always count all servers. Bindings exist in partial mode
only; in any other state binding and unbinding have no effect.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from shared.contracts.inventory import (
    InventorySnapshot,
    ServerBound,
    ServerRegistered,
    ServerReleased,
    ServerResized,
    ServerUnbound,
    SnapshotServer,
)
from shared.contracts.types import ProtectionMode, Specification
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import (
    NOTHING,
    Account,
    Active,
    Grace,
    Server,
    ServerTotals,
    VersionStamp,
    specification_in_force,
)
from subscription_service.domain.persistent_map import with_row
from subscription_service.domain.quota import Quota, exhaustion, fits, quota_of
from subscription_service.domain.refusals import Rejection

_NEVER: Final = VersionStamp(datetime.min.replace(tzinfo=UTC), "", "")


def register(account: Account, command: ServerRegistered, context: FactContext) -> Account:
    """R36: sets presence and cores."""
    stamp, before = context.stamp, _server(account, command.server_id, context.at)
    after = _resized(before, command.cores, stamp)
    if _newer(stamp, before.present_stamp):
        after = after._replace(present=True, present_stamp=stamp)
    return _put(account, before, after)


def resize(account: Account, command: ServerResized, context: FactContext) -> Account:
    """R36: sets cores; the register keeps them where the registration comes later."""
    before = _server(account, command.server_id, context.at)
    return _put(account, before, _resized(before, command.cores, context.stamp))


def release(account: Account, command: ServerReleased, context: FactContext) -> Account:
    """R36: ends presence and unbinds, which frees the quota."""
    stamp, before = context.stamp, _server(account, command.server_id, context.at)
    after = before
    if _newer(stamp, before.present_stamp):
        after = after._replace(present=False, present_stamp=stamp)
    if _newer(stamp, before.bound_stamp):
        after = after._replace(bound=False, bound_stamp=stamp)
    return _put(account, before, after)


def bind(account: Account, command: ServerBound, context: FactContext) -> Account | Rejection:
    """R36: binds within the purchased quota, else `quota_exhausted`. The server may be registered later."""
    specification = _partial(account, context.at)
    before = _server(account, command.server_id, context.at)
    if specification is None or not _newer(context.stamp, before.bound_stamp):
        return account
    if not before.bound:
        wanted = ServerTotals(account.bound.servers + 1, account.bound.cores + before.cores)
        refusal = exhaustion(quota_of(specification, context.rules.catalog), wanted)
        if refusal is not None:
            return refusal
    return _put(account, before, before._replace(bound=True, bound_stamp=context.stamp))


def unbind(account: Account, command: ServerUnbound, context: FactContext) -> Account:
    """R36: ends the binding."""
    before = _server(account, command.server_id, context.at)
    if _partial(account, context.at) is None or not _newer(context.stamp, before.bound_stamp):
        return account
    return _put(account, before, before._replace(bound=False, bound_stamp=context.stamp))


def apply_snapshot(account: Account, command: InventorySnapshot, context: FactContext) -> Account:
    """R37: sets all registers of all servers, also of those that the snapshot does not name.

    An older snapshot than the last one changes nothing: every register is at least as new as that.
    """
    stamp = context.stamp
    if not _newer(stamp, account.snapshot_stamp):
        return account
    partial = _partial(account, context.at) is not None
    named = {server.server_id: server for server in command.servers}
    servers = {
        server_id: _as_of(account.servers.get(server_id) or Server(server_id), named.get(server_id), stamp, partial)
        for server_id in {**account.servers, **named}
    }
    return account._replace(
        snapshot_stamp=stamp,
        servers=servers,
        registered=_total(map(_registered, servers.values())),
        bound=_total(map(_bound, servers.values())),
    )


def bind_in_order(account: Account, quota: Quota, at: datetime) -> Account:
    """R16, the switch from full to partial: binds servers in the order of their registration while the quota lasts."""
    present = [server for server in account.servers.values() if server.present]
    present.sort(key=lambda server: (server.present_stamp or _NEVER, server.server_id))
    chosen: set[str] = set()
    needed = NOTHING
    for server in present:
        needed = ServerTotals(needed.servers + 1, needed.cores + server.cores)
        if not fits(quota, needed):
            break
        chosen.add(server.server_id)
    return _bind_exactly(account, chosen, at)


def unbind_all(account: Account, at: datetime) -> Account:
    """R35, the release: bindings end, the servers themselves stay."""
    return _bind_exactly(account, set(), at)._replace(bound=NOTHING)


def _newer(stamp: VersionStamp, than: VersionStamp | None) -> bool:
    return than is None or stamp > than


def _partial(account: Account, at: datetime) -> Specification | None:
    """The specification in force where bindings have an effect (live, partial mode); else None."""
    subscription = account.subscription
    if not isinstance(subscription, Active | Grace):
        return None
    specification = specification_in_force(subscription, at)
    return specification if specification.protection_mode is ProtectionMode.PARTIAL else None


def _server(account: Account, server_id: str, at: datetime) -> Server:
    """The row of a server; without one, what the last snapshot set by not naming it."""
    known = account.servers.get(server_id)
    if known is not None:
        return known
    stamp = account.snapshot_stamp
    if stamp is None:
        return Server(server_id)
    bound_stamp = stamp if _partial(account, at) else None
    return Server(server_id, present_stamp=stamp, cores_stamp=stamp, bound_stamp=bound_stamp)


def _resized(server: Server, cores: int, stamp: VersionStamp) -> Server:
    return server._replace(cores=cores, cores_stamp=stamp) if _newer(stamp, server.cores_stamp) else server


def _as_of(server: Server, named: SnapshotServer | None, stamp: VersionStamp, partial: bool) -> Server:
    """`server` after a snapshot, in which it is `named` or not; registers with a newer stamp stay."""
    after = _resized(server, 0 if named is None else named.cores, stamp)
    if _newer(stamp, server.present_stamp):
        after = after._replace(present=named is not None, present_stamp=stamp)
    if partial and _newer(stamp, server.bound_stamp):
        after = after._replace(bound=named is not None and named.bound, bound_stamp=stamp)
    return after


def _put(account: Account, before: Server, after: Server) -> Account:
    """Replace the row and change the totals by the difference; the same object where nothing is new."""
    if after is before:
        return account
    return account._replace(
        servers=with_row(account.servers, after.server_id, after),
        registered=_moved(account.registered, _registered(before), _registered(after)),
        bound=_moved(account.bound, _bound(before), _bound(after)),
    )


def _registered(server: Server) -> ServerTotals:
    return ServerTotals(1, server.cores) if server.present else NOTHING


def _bound(server: Server) -> ServerTotals:
    return ServerTotals(1, server.cores) if server.present and server.bound else NOTHING


def _moved(total: ServerTotals, minus: ServerTotals, plus: ServerTotals) -> ServerTotals:
    if minus == plus:
        return total
    return ServerTotals(total.servers - minus.servers + plus.servers, total.cores - minus.cores + plus.cores)


def _total(totals: Iterable[ServerTotals]) -> ServerTotals:
    servers = cores = 0
    for each in totals:
        servers, cores = servers + each.servers, cores + each.cores
    return ServerTotals(servers, cores)


def _bind_exactly(account: Account, chosen: set[str], at: datetime) -> Account:
    """Bind these servers and no others, with the stamp of `at`: older bindings lose, newer ones win (R37)."""
    stamp = VersionStamp(at, "", "")
    servers = {
        server_id: server._replace(bound=server_id in chosen, bound_stamp=stamp)
        for server_id, server in account.servers.items()
    }
    return account._replace(servers=servers, bound=_total(map(_bound, servers.values())))
