"""Servers: one row per server and account, with its three registers (R37)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from sqlalchemy import Index, text

from shared.contracts.envelope import json_reader, to_json
from shared.storage.bulk import Bulk, Row, delete, insert, update
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import BigInteger, Text, TextKey
from subscription_service.domain.model import Server, ServerTotals, VersionStamp
from subscription_service.storage.account_range import IN_RANGE, AccountRange
from subscription_service.storage.metadata import SubscriptionTable
from subscription_service.unit_of_work import LockedAccount


class ServerRow(SubscriptionTable, table=True):
    """`present`, `cores` and `bound` are the registers; `marks`: their version stamps as JSON, see `_Stamps`."""

    __tablename__ = "server"
    __table_args__ = (
        Index("server_in_use", "account_id", "server_id", postgresql_where=text("present OR bound")),
        Index("server_gone", "account_id", postgresql_where=text("NOT (present OR bound)")),
        Index("server_bound_ahead", "account_id", postgresql_where=text("bound AND NOT present")),
    )
    account_id: TextKey
    server_id: TextKey
    present: bool
    cores: BigInteger
    bound: bool
    marks: Text


class _Stamps(NamedTuple):
    """Where each register got its value; None while no event has set it. In JSON an array in this order, in which a
    number says that the stamp is that of the register with this place: most events set several, and stamps are long.
    `binding_waits` as in `Server`; written where it is true.
    """

    present: VersionStamp | None
    cores: VersionStamp | int | None
    bound: VersionStamp | int | None
    binding_waits: bool = False


Servers: TypeAlias = dict[str, dict[str, Server]]
"""Account id -> server id -> server."""

_read_stamps = json_reader(_Stamps)
_READ = Selection(ServerRow)
_SOME = Bulk(
    ServerRow, "SELECT {columns} FROM server JOIN {rows} USING ({names})", ("account_id", "server_id"), reads=_READ
)
_IN_USE = text(f"SELECT {_READ.sql} FROM server WHERE account_id = ANY(:ids) AND (present OR bound)")
_REGISTERED = text(
    f"SELECT {_READ.sql} FROM server WHERE account_id = :account_id AND server_id > :after AND present"
    " AND (present OR bound) ORDER BY server_id LIMIT :limit"
)
_ADD = insert(ServerRow)
_CHANGE = update(ServerRow)
_DELETE = delete(ServerRow, ("account_id", "server_id"))
_READ_AT_ONCE: Final = 1_000
"""While so many rows are made to servers, the event loop does nothing else, and the database hears nothing from us."""
_SAVED_AT_ONCE: Final = 10_000
"""So many rows are written in much less time than a statement may take."""
_MAX_FORGOTTEN: Final = 20_000
"""So many rows of servers long gone are deleted with each snapshot; what remains is never loaded, and goes later."""
# What is a number in `marks` has no instant here: NULL, which `greatest` leaves out.
_FORGET = text(
    "DELETE FROM server WHERE (account_id, server_id) IN (SELECT gone.account_id, gone.server_id"
    " FROM unnest(CAST(:ids AS text[]), CAST(:times AS timestamptz[])) AS snapshot (account_id, time)"
    " CROSS JOIN LATERAL (SELECT account_id, server_id FROM server"
    " WHERE account_id = snapshot.account_id AND NOT (present OR bound) AND greatest("
    + ", ".join(f"CAST(CAST(marks AS json) #>> '{{{register},0}}' AS timestamptz)" for register in range(3))
    + ") < snapshot.time LIMIT :limit) AS gone)"
)
_BOUND_AHEAD = text(
    "SELECT account_id, count(*), CAST(sum(cores) AS bigint) FROM server"
    " WHERE account_id = ANY(:ids) AND bound AND NOT present GROUP BY account_id"
)
_TOTALS = text(
    "SELECT account_id, count(*) AS servers, CAST(sum(cores) AS bigint) AS cores,"
    " count(*) FILTER (WHERE bound) AS bound_servers,"
    " CAST(coalesce(sum(cores) FILTER (WHERE bound), 0) AS bigint) AS bound_cores"
    f" FROM server WHERE present AND {IN_RANGE} GROUP BY account_id"
)


async def some(connection: Connection, keys: Iterable[tuple[str, str]]) -> Servers:
    """Those of these servers (account id, server id) that have a row."""
    rows = [{"account_id": account_id, "server_id": server_id} for account_id, server_id in sorted(keys)]
    return _by_account(await _SOME.fetch(connection, rows))


async def in_use(connection: Connection, account_ids: Sequence[str]) -> Servers:
    """The servers of these accounts that are present or bound; those that are gone cost nothing."""
    found: Servers = {}
    if account_ids:
        streamed = await connection.stream(_IN_USE, {"ids": account_ids})
        async for rows in streamed.partitions(_READ_AT_ONCE):
            for account_id, own in _by_account(_READ.rows(rows)).items():
                found.setdefault(account_id, {}).update(own)
    return found


async def bound_ahead(connection: Connection, account_ids: Sequence[str]) -> dict[str, ServerTotals]:
    """Of these accounts the servers that are bound and not registered yet, where there are any."""
    if not account_ids:
        return {}
    found = await connection.execute(_BOUND_AHEAD, {"ids": account_ids})
    return {account_id: ServerTotals(number, cores) for account_id, number, cores in found}


async def registered(connection: Connection, account_id: str, *, after: str, limit: int) -> list[Server]:
    """The first registered servers of an account behind an id, by id; those that are gone cost nothing."""
    found = await connection.execute(_REGISTERED, {"account_id": account_id, "after": after, "limit": limit})
    return [_server(row) for row in _READ.rows(found)]


async def save(connection: Connection, changed: Iterable[LockedAccount]) -> None:
    """Store the servers that differ from what was loaded, and delete those that a snapshot has made forgotten."""
    changed = list(changed)
    added, altered = _rows(changed)
    for statement, rows in ((_ADD, added), (_CHANGE, altered)):
        for start in range(0, len(rows), _SAVED_AT_ONCE):
            await statement.run(connection, rows[start : start + _SAVED_AT_ONCE])
    await _forget(connection, [each for each in changed if _has_new_snapshot(each)])


async def totals(connection: Connection, accounts: AccountRange) -> dict[str, tuple[ServerTotals, ServerTotals]]:
    """Registered and bound servers, counted from the rows; accounts without a registered server are left out."""
    found = await connection.execute(_TOTALS, accounts._asdict())
    return {
        account_id: (ServerTotals(servers, cores), ServerTotals(bound_servers, bound_cores))
        for account_id, servers, cores, bound_servers, bound_cores in found
    }


async def _forget(connection: Connection, changed: Sequence[LockedAccount]) -> None:
    """Of accounts with a new snapshot: rows that were loaded and are gone; and of those that were not loaded, some that
    are older than the snapshot. One statement for all, since an import brings thousands of snapshots.
    """
    gone = [
        {"account_id": locked.account.account_id, "server_id": server_id}
        for locked in changed
        for server_id in sorted(locked.before.servers.keys() - locked.account.servers.keys())
    ]
    await _DELETE.run(connection, gone)
    times = {each.account.account_id: stamp.time for each in changed if (stamp := each.account.snapshot_stamp)}
    if times:
        arguments = {"ids": list(times), "times": list(times.values()), "limit": _MAX_FORGOTTEN}
        await connection.execute(_FORGET, arguments)


def _has_new_snapshot(locked: LockedAccount) -> bool:
    return locked.account.snapshot_stamp is not locked.before.snapshot_stamp


def _by_account(found: Iterable[Any]) -> Servers:
    servers: defaultdict[str, dict[str, Server]] = defaultdict(dict)
    for row in found:
        servers[row.account_id][row.server_id] = _server(row)
    return servers


def _server(row: Any) -> Server:
    marks = _read_stamps(row.marks)
    present, cores, bound = _stamps(marks)
    return Server(
        server_id=row.server_id,
        present=row.present,
        present_stamp=present,
        cores=row.cores,
        cores_stamp=cores,
        bound=row.bound,
        bound_stamp=bound,
        binding_waits=marks.binding_waits,
    )


def _stamps(marks: _Stamps) -> list[VersionStamp | None]:
    """Of presence, cores and binding."""
    stamps: list[VersionStamp | None] = []
    for stamp in (marks.present, marks.cores, marks.bound):
        stamps.append(stamps[stamp] if isinstance(stamp, int) else stamp)
    return stamps


def _rows(changed: Iterable[LockedAccount]) -> tuple[list[Row], list[Row]]:
    """Of servers that have no row yet, and of those whose row changes: whatever an event touches was looked up."""
    added: list[Row] = []
    altered: list[Row] = []
    for locked in changed:
        account_id, before = locked.account.account_id, locked.before.servers
        for server_id, server in locked.account.servers.items():
            if server is not (known := before.get(server_id)):
                (altered if known else added).append(_row(account_id, server))
    return added, altered


def _row(account_id: str, server: Server) -> Row:
    return {
        "account_id": account_id,
        "server_id": server.server_id,
        "present": server.present,
        "cores": server.cores,
        "bound": server.bound,
        "marks": to_json(_marks(server)).decode(),
    }


def _marks(server: Server) -> list[VersionStamp | int | None]:
    """As `_Stamps` has them in JSON."""
    stamps = _each_once((server.present_stamp, server.cores_stamp, server.bound_stamp))
    return [*stamps, True] if server.binding_waits else stamps


def _each_once(stamps: Sequence[VersionStamp | None]) -> list[VersionStamp | int | None]:
    """Those that come again as the place of the first."""
    written: list[VersionStamp | int | None] = []
    for place, stamp in enumerate(stamps):
        first = stamps.index(stamp)
        written.append(stamp if stamp is None or first == place else first)
    return written
