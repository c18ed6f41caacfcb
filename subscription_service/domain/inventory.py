"""Servers and their bindings: three registers a server, each won by the newest stamp (R36, R37).

Any order of arrival ends the same. `Account.servers` holds the rows that the store loaded: the touched
ones, and all of them for a snapshot and a switch of mode. The counters always speak of all servers.
Bindings exist in partial mode only; elsewhere what is said about them has no effect.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from shared.contracts.inbound import (
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
    """Presence and cores."""
    stamp, before = context.stamp, _server(account, command.server_id, context.at)
    after = _resized(before, command.cores, stamp)
    if _newer(stamp, before.present_stamp):
        after = after._replace(present=True, present_stamp=stamp)
    return _put(account, before, after)


def resize(account: Account, command: ServerResized, context: FactContext) -> Account:
    """Cores only; before the registration it waits in its register."""
    before = _server(account, command.server_id, context.at)
    return _put(account, before, _resized(before, command.cores, context.stamp))


def release(account: Account, command: ServerReleased, context: FactContext) -> Account:
    """Presence; it also unbinds, which frees the quota (R36)."""
    stamp, before = context.stamp, _server(account, command.server_id, context.at)
    after = before
    if _newer(stamp, before.present_stamp):
        after = after._replace(present=False, present_stamp=stamp)
    if _newer(stamp, before.bound_stamp):
        after = after._replace(bound=False, bound_stamp=stamp)
    return _put(account, before, after)


def bind(account: Account, command: ServerBound, context: FactContext) -> Account | Rejection:
    """Bind quota, within what was purchased (R36); a server not yet registered waits in its register."""
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
    before = _server(account, command.server_id, context.at)
    if _partial(account, context.at) is None or not _newer(context.stamp, before.bound_stamp):
        return account
    return _put(account, before, before._replace(bound=False, bound_stamp=context.stamp))


def take_snapshot(account: Account, command: InventorySnapshot, context: FactContext) -> Account:
    """All registers of all servers as of the snapshot, also of those that it does not name (R37).

    An older snapshot than the last has nothing to say: every register is at least as new as that one.
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
    """The switch from full to partial: servers are bound as they were registered, while the quota lasts (R16)."""
    present = [server for server in account.servers.values() if server.present]
    present.sort(key=lambda server: (server.present_stamp or _NEVER, server.server_id))
    chosen: set[str] = set()
    load = NOTHING
    for server in present:
        load = ServerTotals(load.servers + 1, load.cores + server.cores)
        if not fits(quota, load):
            break
        chosen.add(server.server_id)
    return _bind_exactly(account, chosen, at)


def unbind_all(account: Account, at: datetime) -> Account:
    """Quota and bindings are gone; the inventory itself stays (R35)."""
    return _bind_exactly(account, set(), at)._replace(bound=NOTHING)


def _newer(stamp: VersionStamp, than: VersionStamp | None) -> bool:
    return than is None or stamp > than


def _partial(account: Account, at: datetime) -> Specification | None:
    """The specification in force where bindings have an effect: live and partial."""
    subscription = account.subscription
    if not isinstance(subscription, Active | Grace):
        return None
    specification = specification_in_force(subscription, at)
    return specification if specification.protection_mode is ProtectionMode.PARTIAL else None


def _server(account: Account, server_id: str, at: datetime) -> Server:
    """Its row; without one, what the last snapshot said of it by not naming it."""
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
    """`server` as a snapshot has it; registers with a newer stamp stay."""
    after = _resized(server, 0 if named is None else named.cores, stamp)
    if _newer(stamp, server.present_stamp):
        after = after._replace(present=named is not None, present_stamp=stamp)
    if partial and _newer(stamp, server.bound_stamp):
        after = after._replace(bound=named is not None and named.bound, bound_stamp=stamp)
    return after


def _put(account: Account, before: Server, after: Server) -> Account:
    """Keep the row and move the counters by the difference; nothing new leaves the account as it is."""
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


def _total(loads: Iterable[ServerTotals]) -> ServerTotals:
    servers = cores = 0
    for load in loads:
        servers, cores = servers + load.servers, cores + load.cores
    return ServerTotals(servers, cores)


def _bind_exactly(account: Account, chosen: set[str], at: datetime) -> Account:
    """Bind these servers and no other as of `at`: what was said before has lost, what comes behind wins (R37)."""
    stamp = VersionStamp(at, "", "")
    servers = {
        server_id: server._replace(bound=server_id in chosen, bound_stamp=stamp)
        for server_id, server in account.servers.items()
    }
    return account._replace(servers=servers, bound=_total(map(_bound, servers.values())))
