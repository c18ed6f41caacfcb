"""Loading and locking the accounts that a transaction touches, with what belongs to them.

Locks are taken in one order, each kind sorted: positions, claims, accounts that exist, new accounts, sequences.
So any number of copies can work on the same accounts without a deadlock.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import text

from shared.contracts.inbound import (
    ConfigurationRecorded,
    ConfigurationRemoved,
    InboundData,
    ServerBound,
    ServerRegistered,
    ServerReleased,
    ServerResized,
    ServerUnbound,
)
from shared.contracts.types import ConfigurationKind
from shared.kafka.partitioning import partition_of
from shared.kafka.record import Record
from shared.outbox import log
from shared.storage.database import Connection
from subscription_service.handlers import Incoming, reread
from subscription_service.storage import deduplication, rows
from subscription_service.unit_of_work import LockedAccount

ACCOUNT_COLUMNS = (
    "account_id, version, decided_at, CAST(contact AS text) AS contact, CAST(subscription AS text) AS subscription,"
    " balance, registered_servers, registered_cores, bound_servers, bound_cores, CAST(facts AS text) AS facts,"
    " partition, revision, changed_at, next_due_at, next_timer, waiting"
)
COUPON_COLUMNS = "coupon_id, account_id, amount_off, percent_off, minimum_spend, valid_from, valid_until"
_LOCK = text(
    f"SELECT {ACCOUNT_COLUMNS} FROM account WHERE account_id = ANY(CAST(:ids AS text[])) ORDER BY account_id FOR UPDATE"
)
_MAKE = text(
    "INSERT INTO account (account_id, partition)"
    " SELECT * FROM unnest(CAST(:ids AS text[]), CAST(:partitions AS int[])) ON CONFLICT DO NOTHING"
)
_DUE = text(
    "SELECT account_id FROM account WHERE next_due_at <= :now AND NOT (account_id = ANY(CAST(:but AS text[])))"
    " ORDER BY next_due_at LIMIT :limit FOR UPDATE SKIP LOCKED"
)
ANY_DUE = text(
    "SELECT account_id FROM account WHERE next_due_at <= :now AND NOT (account_id = ANY(CAST(:but AS text[])))"
    # Without this order PostgreSQL may read all accounts to find that nothing is due.
    " ORDER BY next_due_at LIMIT 1"
)
_PARKED = text("SELECT count(*) FROM waiting")
_COUPONS = text(f"SELECT {COUPON_COLUMNS} FROM coupon WHERE account_id = ANY(CAST(:ids AS text[])) AND used_by IS NULL")
_SERVERS = text(
    "SELECT account_id, server_id, present, cores, bound, marks FROM server"
    " JOIN unnest(CAST(:accounts AS text[]), CAST(:servers AS text[])) AS asked (account_id, server_id)"
    " USING (account_id, server_id)"
)
_ALL_SERVERS = text(
    "SELECT account_id, server_id, present, cores, bound, marks FROM server"
    " WHERE account_id = ANY(CAST(:ids AS text[]))"
)
_CONFIGURATION = text(
    "SELECT account_id, kind, key, CAST(value AS text) AS value, present, mark FROM configuration"
    " JOIN unnest(CAST(:accounts AS text[]), CAST(:kinds AS text[]), CAST(:keys AS text[]))"
    " AS asked (account_id, kind, key) USING (account_id, kind, key)"
)
_WAITING = text(
    "SELECT id, account_id, until, topic, broker_topic, partition, record_offset, key, value, headers FROM waiting"
    " WHERE account_id = ANY(CAST(:ids AS text[])) ORDER BY id"
)


async def lock(connection: Connection, ids: Collection[str], *, partitions: int) -> dict[str, LockedAccount]:
    """Load and lock these accounts, making those that are new."""
    wanted = sorted(ids)
    found = {row[0]: row for row in await connection.execute(_LOCK, {"ids": wanted})}
    missing = [account_id for account_id in wanted if account_id not in found]
    if missing:
        places = [partition_of(account_id, partitions) for account_id in missing]
        await connection.execute(_MAKE, {"ids": missing, "partitions": places})
        found |= {row[0]: row for row in await connection.execute(_LOCK, {"ids": missing})}
    return await _held(connection, [found[account_id] for account_id in wanted])


async def claim_due(connection: Connection, *, now: datetime, but: Collection[str], limit: int) -> list[str]:
    """Lock accounts for which something is due; another copy's claims are passed over."""
    return [row[0] for row in await connection.execute(_DUE, {"now": now, "but": list(but), "limit": limit})]


async def parked(connection: Connection) -> list[Metric]:
    """How many events wait now (G4)."""
    waiting = (await connection.execute(_PARKED)).scalar_one()
    return [GaugeMetricFamily("tenure_parked", "Events that wait, for a purchase or for timers.", value=waiting)]


async def any_due(connection: Connection, *, now: datetime, but: Collection[str]) -> bool:
    """Whether anything is due, leaving the accounts in `but` aside."""
    return (await connection.execute(ANY_DUE, {"now": now, "but": list(but)})).first() is not None


async def load_touched(
    connection: Connection, locked: Mapping[str, LockedAccount], events: Iterable[Incoming], *, whole: bool
) -> None:
    """Load the servers and settings that these events touch; all servers where an event may need all, or `whole`."""
    touched = _Touched(locked, events)
    everything = sorted(locked) if whole else sorted(touched.whole)
    some = sorted(pair for pair in touched.servers if pair[0] not in touched.whole and not whole)
    servers: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    if some:
        arguments = {"accounts": [account for account, _ in some], "servers": [server for _, server in some]}
        for row in await connection.execute(_SERVERS, arguments):
            servers[row[0]][row[1]] = rows.server_of(row)
    if everything:
        for row in await connection.execute(_ALL_SERVERS, {"ids": everything}):
            servers[row[0]][row[1]] = rows.server_of(row)
    configuration = await _configuration(connection, sorted(touched.settings))
    for account_id in servers.keys() | configuration.keys():
        _attach(
            locked[account_id], servers=servers.get(account_id, {}), configuration=configuration.get(account_id, {})
        )


class _Touched:
    """Which rows of their own a batch's events are about."""

    def __init__(self, locked: Mapping[str, LockedAccount], events: Iterable[Incoming]) -> None:
        self.whole: set[str] = set()
        self.servers: set[tuple[str, str]] = set()
        self.settings: set[tuple[str, str, str]] = set()
        for event in events:
            self._add(event.account_id, event.event.data)
            if event.may_touch_all_servers(locked[event.account_id].account):
                self.whole.add(event.account_id)

    def _add(self, account_id: str, data: InboundData) -> None:
        match data:
            case ServerRegistered() | ServerResized() | ServerReleased() | ServerBound() | ServerUnbound():
                self.servers.add((account_id, data.server_id))
            case ConfigurationRecorded() | ConfigurationRemoved():
                self.settings.add((account_id, data.kind, data.key))


async def _held(connection: Connection, found: Sequence[Any]) -> dict[str, LockedAccount]:
    locked: dict[str, LockedAccount] = {}
    waiting = []
    for row in found:
        account = rows.account_of(row)
        partition, revision, _, _, _, waits = row[11:]
        locked[account.account_id] = LockedAccount(account, account, partition, revision, rows.timer_in(row))
        if waits:
            waiting.append(account.account_id)
    await _load_coupons(connection, locked)
    await _load_waiting(connection, locked, waiting)
    return locked


async def _load_coupons(connection: Connection, locked: Mapping[str, LockedAccount]) -> None:
    coupons: defaultdict[str, list[Any]] = defaultdict(list)
    for row in await connection.execute(_COUPONS, {"ids": list(locked)}):
        coupons[row.account_id].append(rows.coupon_of(row))
    for account_id, unused in coupons.items():
        _attach(locked[account_id], coupons=tuple(unused))


async def _load_waiting(connection: Connection, locked: Mapping[str, LockedAccount], ids: list[str]) -> None:
    if not ids:
        return
    events = []
    for row in await connection.execute(_WAITING, {"ids": ids}):
        events.append(incoming := _waiting(row))
        locked[row.account_id].waiting.add(incoming, row.until)
    await deduplication.judge_waiting(connection, events)


def _waiting(row: Any) -> Incoming:
    """The record as it was received, read again; it was valid when it came."""
    headers = log.unpack(row.headers)
    record: Record = Record(
        topic=row.broker_topic,
        partition=row.partition,
        offset=row.record_offset,
        timestamp=0,
        timestamp_type=0,
        key=row.key,
        value=row.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=headers,
    )
    incoming = reread(record, row.topic)
    incoming.waiting_id = row.id
    return incoming


async def _configuration(
    connection: Connection, settings: Sequence[tuple[str, str, str]]
) -> Mapping[str, dict[tuple[Any, str], Any]]:
    found: defaultdict[str, dict[tuple[Any, str], Any]] = defaultdict(dict)
    if settings:
        accounts, kinds, keys = zip(*settings, strict=True)
        arguments = {"accounts": list(accounts), "kinds": list(kinds), "keys": list(keys)}
        for row in await connection.execute(_CONFIGURATION, arguments):
            entry = rows.configuration_of(row.value, row.present, row.mark)
            found[row.account_id][ConfigurationKind(row.kind), row.key] = entry
    return found


def _attach(locked: LockedAccount, **loaded: Any) -> None:
    """What was loaded is part of the state before, too."""
    locked.account = locked.before = locked.account._replace(**loaded)
