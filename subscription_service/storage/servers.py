"""Servers: one row per server and account, with its three registers (R37)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import text

from shared.contracts.envelope import json_reader, to_json
from shared.storage.bulk import Bulk, Row, upsert
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
    account_id: TextKey
    server_id: TextKey
    present: bool
    cores: BigInteger
    bound: bool
    marks: Text


class _Stamps(NamedTuple):
    """Where each register got its value; None while nothing was said about it. In JSON an array in this order."""

    present: VersionStamp | None
    cores: VersionStamp | None
    bound: VersionStamp | None


Servers: TypeAlias = Mapping[str, dict[str, Server]]
"""Account id -> server id -> server."""

_read_stamps = json_reader(_Stamps)
_READ = Selection(ServerRow)
_SOME = Bulk(
    ServerRow, "SELECT {columns} FROM server JOIN {rows} USING ({names})", ("account_id", "server_id"), reads=_READ
)
_ALL = text(f"SELECT {_READ.sql} FROM server WHERE account_id = ANY(:ids)")
_SAVE = upsert(ServerRow)
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


async def of_accounts(connection: Connection, account_ids: Sequence[str]) -> Servers:
    """All servers of these accounts."""
    if not account_ids:
        return {}
    return _by_account(_READ.rows(await connection.execute(_ALL, {"ids": account_ids})))


async def save(connection: Connection, changed: Iterable[LockedAccount]) -> None:
    """Store the servers that differ from what was loaded."""
    rows = [
        _row(locked.account.account_id, server)
        for locked in changed
        for server_id, server in locked.account.servers.items()
        if server is not locked.before.servers.get(server_id)
    ]
    await _SAVE.run(connection, rows)


async def totals(connection: Connection, accounts: AccountRange) -> dict[str, tuple[ServerTotals, ServerTotals]]:
    """Registered and bound servers, counted from the rows; accounts without a registered server are left out."""
    found = await connection.execute(_TOTALS, accounts._asdict())
    return {
        account_id: (ServerTotals(servers, cores), ServerTotals(bound_servers, bound_cores))
        for account_id, servers, cores, bound_servers, bound_cores in found
    }


def _by_account(found: Iterable[Any]) -> Servers:
    servers: defaultdict[str, dict[str, Server]] = defaultdict(dict)
    for row in found:
        servers[row.account_id][row.server_id] = _server(row)
    return servers


def _server(row: Any) -> Server:
    stamps = _read_stamps(row.marks)
    return Server(
        server_id=row.server_id,
        present=row.present,
        present_stamp=stamps.present,
        cores=row.cores,
        cores_stamp=stamps.cores,
        bound=row.bound,
        bound_stamp=stamps.bound,
    )


def _row(account_id: str, server: Server) -> Row:
    stamps = _Stamps(present=server.present_stamp, cores=server.cores_stamp, bound=server.bound_stamp)
    return {
        "account_id": account_id,
        "server_id": server.server_id,
        "present": server.present,
        "cores": server.cores,
        "bound": server.bound,
        "marks": to_json(stamps).decode(),
    }
