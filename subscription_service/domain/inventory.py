"""Servers and their bindings: three registers per server, each won by the greatest stamp (R36, R37).

Any order of arrival ends the same. `Account.servers` holds the rows that were loaded: those that the event names, and
for a snapshot and the beginning of partial mode all that are present or bound; the totals always count all servers.
Bindings exist in partial mode only. In any other state binding and unbinding have no effect, and what a snapshot
states of bindings waits in its registers: the order of a switch, a purchase or an import may be read after it.

Gone servers cost nothing: the stamp of the last snapshot is remembered for all servers that it did not name, so a row
that holds nothing newer is forgotten (`apply_snapshot`), and what is older in a row that was not loaded is void
(`_server`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import structs

from shared.contracts.imported import SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.inventory import (
    InventorySnapshot,
    ServerBound,
    ServerRegistered,
    ServerReleased,
    ServerResized,
    ServerUnbound,
    SnapshotServer,
)
from shared.contracts.purchases import PurchaseOrdered
from shared.contracts.renewals import RenewalChangeOrdered, SpecificationChangeOrdered
from shared.contracts.types import ProtectionMode, Specification
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import (
    NOTHING,
    OLDEST_STAMP,
    Account,
    Active,
    Grace,
    Server,
    ServerTotals,
    VersionStamp,
    is_partial,
    specification_in_force,
)
from subscription_service.domain.persistent_map import with_row
from subscription_service.domain.quota import Quota, exhaustion, fits, quota_of
from subscription_service.domain.refusals import Rejection


def may_need_all_servers(account: Account, command: InboundData, time: datetime) -> bool:
    """Whether every server may be needed to decide this, or only those that it names: a snapshot, a switch to partial
    mode (R16), and what begins in partial mode after a snapshot was read that counts for it (R9, R44).

    `time`: of the event (UTC).
    """
    match command:
        case InventorySnapshot():
            return True
        case SpecificationChangeOrdered() | RenewalChangeOrdered():
            return _is_partial(command.specification) and not is_partial(account)
        case PurchaseOrdered() if account.snapshot_stamp:
            since = time.replace(microsecond=0)
            return _is_partial(command.specification) and account.snapshot_stamp.time >= since
        case SubscriptionImported() if account.snapshot_stamp:
            return any(_is_partial(term.specification) for term in command.terms)
        case _:
            return False


def register(account: Account, command: ServerRegistered, context: FactContext) -> Account:
    """R36: sets presence and cores."""
    stamp, before = context.stamp, _server(account, command.server_id)
    after = _resized(before, command.cores, stamp)
    if _newer(stamp, before.present_stamp):
        after = structs.replace(after, present=True, present_stamp=stamp)
    return _put(account, before, after)


def resize(account: Account, command: ServerResized, context: FactContext) -> Account:
    """R36: sets cores; the register keeps them where the registration comes later."""
    before = _server(account, command.server_id)
    return _put(account, before, _resized(before, command.cores, context.stamp))


def release(account: Account, command: ServerReleased, context: FactContext) -> Account:
    """R36: ends presence and unbinds, which frees the quota."""
    stamp, before = context.stamp, _server(account, command.server_id)
    after = before
    if _newer(stamp, before.present_stamp):
        after = structs.replace(after, present=False, present_stamp=stamp)
    if _newer(stamp, before.bound_stamp):
        after = _binding(after, False, stamp)
    return _put(account, before, after)


def bind(account: Account, command: ServerBound, context: FactContext) -> Account | Rejection:
    """R36: binds within the purchased quota, else `quota_exhausted`. The server may be registered later; it has its
    quota from now on, so that no more is bound in the end than if it had been registered before (R37).
    """
    specification = _partial(account, context.at)
    before = _server(account, command.server_id)
    if specification is None or not _newer(context.stamp, before.bound_stamp):
        return account
    if not before.bound:
        wanted = _total((account.bound, account.bound_ahead, ServerTotals(1, before.cores)))
        refusal = exhaustion(quota_of(specification, context.rules.catalog), wanted)
        if refusal is not None:
            return refusal
    return _put(account, before, _binding(before, True, context.stamp))


def unbind(account: Account, command: ServerUnbound, context: FactContext) -> Account:
    """R36: ends the binding."""
    before = _server(account, command.server_id)
    if _partial(account, context.at) is None or not _newer(context.stamp, before.bound_stamp):
        return account
    return _put(account, before, _binding(before, False, context.stamp))


def apply_snapshot(account: Account, command: InventorySnapshot, context: FactContext) -> Account:
    """R37: sets all registers of all servers, also of those that the snapshot does not name.

    An older snapshot than the last one changes nothing: every register is at least as new as that. Rows that hold
    nothing newer, of servers that are gone, are left out of the result: to be deleted.
    """
    stamp = context.stamp
    if not _newer(stamp, account.snapshot_stamp):
        return account
    partial = _partial(account, context.at) is not None
    named = {server.server_id: server for server in command.servers}
    after = [
        _as_of(account.servers.get(server_id) or Server(server_id), named.get(server_id), stamp, partial)
        for server_id in {**account.servers, **named}
    ]
    servers = {server.server_id: server for server in after if server.present or _is_newer(server, stamp)}
    registered = _total(map(_registered, servers.values()))
    return structs.replace(_with_bound(account, servers), snapshot_stamp=stamp, registered=registered)


def bind_in_order(account: Account, quota: Quota, at: datetime) -> Account:
    """R16, the switch from full to partial: binds servers in the order of their registration while the quota lasts."""
    present = [server for server in account.servers.values() if server.present]
    present.sort(key=lambda server: (server.present_stamp or OLDEST_STAMP, server.server_id))
    chosen: set[str] = set()
    needed = NOTHING
    for server in present:
        needed = ServerTotals(needed.servers + 1, needed.cores + server.cores)
        if not fits(quota, needed):
            break
        chosen.add(server.server_id)
    return _with_bound(account, _with_bindings(account, chosen, at, partial=True))


def unbind_all(account: Account, at: datetime) -> Account:
    """R35, the release: bindings end, the servers themselves stay."""
    return _with_bound(account, _with_bindings(account, set(), at, partial=False))


def put_in_effect(account: Account, *, since: datetime = OLDEST_STAMP.time) -> Account:
    """The bindings that wait, from that instant (UTC) on, now that partial mode begins; no others are there yet."""
    begun = {
        server_id: _in_mode(server, partial=True)
        for server_id, server in account.servers.items()
        if server.binding_waits and server.bound_stamp and server.bound_stamp.time >= since
    }
    return _with_bound(account, {**account.servers, **begun}) if begun else account


def _newer(stamp: VersionStamp, than: VersionStamp | None) -> bool:
    return than is None or stamp > than


def _partial(account: Account, at: datetime) -> Specification | None:
    """The specification in force where bindings have an effect (live, partial mode); else None."""
    subscription = account.subscription
    if not isinstance(subscription, Active | Grace):
        return None
    specification = specification_in_force(subscription, at)
    return specification if _is_partial(specification) else None


def _is_partial(specification: Specification) -> bool:
    return specification.protection_mode is ProtectionMode.PARTIAL


def _server(account: Account, server_id: str) -> Server:
    """The row of a server; in registers of a gone one that are older, what the last snapshot set by not naming it.

    The row of a server that is present was loaded for that snapshot, or is newer.
    """
    known, stamp = account.servers.get(server_id) or Server(server_id), account.snapshot_stamp
    return known if stamp is None or known.present else _as_of(known, None, stamp, partial=False)


def _is_newer(server: Server, than: VersionStamp) -> bool:
    """Whether any register was set after that."""
    return any(stamp > than for stamp in (server.present_stamp, server.cores_stamp, server.bound_stamp) if stamp)


def _resized(server: Server, cores: int, stamp: VersionStamp) -> Server:
    return structs.replace(server, cores=cores, cores_stamp=stamp) if _newer(stamp, server.cores_stamp) else server


def _as_of(server: Server, named: SnapshotServer | None, stamp: VersionStamp, partial: bool) -> Server:
    """`server` after a snapshot, in which it is `named` or not; registers with a newer stamp stay.

    Outside of partial mode nothing is bound: what the snapshot says waits.
    """
    after = _resized(server, 0 if named is None else named.cores, stamp)
    if _newer(stamp, server.present_stamp):
        after = structs.replace(after, present=named is not None, present_stamp=stamp)
    if _newer(stamp, server.bound_stamp):
        after = _in_mode(_binding(after, named is not None and named.bound, stamp), partial=partial)
    return after


def _binding(server: Server, bound: bool, stamp: VersionStamp) -> Server:
    return structs.replace(server, bound=bound, binding_waits=False, bound_stamp=stamp)


def _in_mode(server: Server, *, partial: bool) -> Server:
    """What its binding register states, in effect in partial mode; else waiting for it."""
    stated = server.bound or server.binding_waits
    if server.bound == (stated and partial):
        return server
    return structs.replace(server, bound=stated and partial, binding_waits=stated and not partial)


def _put(account: Account, before: Server, after: Server) -> Account:
    """Replace the row and change the totals by the difference; the same object where nothing is new."""
    if after is before:
        return account
    return structs.replace(
        account,
        servers=with_row(account.servers, after.server_id, after),
        registered=_moved(account.registered, _registered(before), _registered(after)),
        bound=_moved(account.bound, _bound(before), _bound(after)),
        bound_ahead=_moved(account.bound_ahead, _bound_ahead(before), _bound_ahead(after)),
    )


def _with_bound(account: Account, servers: Mapping[str, Server]) -> Account:
    """With these servers, which are all that are bound."""
    bound, ahead = (_total(map(total, servers.values())) for total in (_bound, _bound_ahead))
    return structs.replace(account, servers=servers, bound=bound, bound_ahead=ahead)


def _registered(server: Server) -> ServerTotals:
    return ServerTotals(1, server.cores) if server.present else NOTHING


def _bound(server: Server) -> ServerTotals:
    return ServerTotals(1, server.cores) if server.present and server.bound else NOTHING


def _bound_ahead(server: Server) -> ServerTotals:
    return ServerTotals(1, server.cores) if server.bound and not server.present else NOTHING


def _moved(total: ServerTotals, minus: ServerTotals, plus: ServerTotals) -> ServerTotals:
    if minus == plus:
        return total
    return ServerTotals(total.servers - minus.servers + plus.servers, total.cores - minus.cores + plus.cores)


def _total(totals: Iterable[ServerTotals]) -> ServerTotals:
    servers = cores = 0
    for each in totals:
        servers, cores = servers + each.servers, cores + each.cores
    return ServerTotals(servers, cores)


def _with_bindings(account: Account, chosen: set[str], at: datetime, *, partial: bool) -> dict[str, Server]:
    """These servers bound and no others, with the stamp of `at`: older bindings lose, newer ones win (R37).

    `partial`: whether those that win have an effect from now on, or wait.
    """
    stamp = VersionStamp(at, "", "")
    return {
        server_id: _binding(server, server_id in chosen, stamp)
        if _newer(stamp, server.bound_stamp)
        else _in_mode(server, partial=partial)
        for server_id, server in account.servers.items()
    }
