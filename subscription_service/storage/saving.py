"""Storing what a transaction changed: rows in bulk, the tally, and last the log."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import orjson
from sqlalchemy import text

from shared.contracts.lifecycle import Released
from shared.outbox import log
from shared.storage import event_counts
from shared.storage.database import Connection
from subscription_service.handlers import Incoming
from subscription_service.pauses import with_pauses
from subscription_service.storage import bookkeeping, deduplication, rows
from subscription_service.storage.bulk import Bulk, Row
from subscription_service.unit_of_work import LockedAccount, UnitOfWork

_ACCOUNTS = Bulk(
    "UPDATE account a SET version = n.version, decided_at = n.decided_at,"
    " contact = coalesce(CAST(n.contact AS json), a.contact),"
    " subscription = coalesce(CAST(n.subscription AS json), a.subscription), balance = n.balance,"
    " registered_servers = n.registered_servers, registered_cores = n.registered_cores,"
    " bound_servers = n.bound_servers, bound_cores = n.bound_cores, facts = coalesce(CAST(n.facts AS json), a.facts),"
    " revision = n.revision, changed_at = CASE WHEN n.revision > a.revision THEN n.changed_at ELSE a.changed_at END,"
    " next_due_at = n.next_due_at, next_timer = n.next_timer, waiting = n.waiting"
    " FROM {rows} WHERE a.account_id = n.account_id",
    account_id="text",
    version="bigint",
    decided_at="timestamptz",
    contact="text",
    subscription="text",
    balance="numeric",
    registered_servers="bigint",
    registered_cores="bigint",
    bound_servers="bigint",
    bound_cores="bigint",
    facts="text",
    revision="bigint",
    changed_at="timestamptz",
    next_due_at="timestamptz",
    next_timer="text",
    waiting="bigint",
)
"""A document that is NULL stays as it is: most events leave it alone, and none takes it away."""
_SERVERS = Bulk(
    "INSERT INTO server ({columns}) SELECT * FROM {rows}"
    " ON CONFLICT (account_id, server_id) DO UPDATE SET present = excluded.present, cores = excluded.cores,"
    " bound = excluded.bound, marks = excluded.marks",
    account_id="text",
    server_id="text",
    present="boolean",
    cores="bigint",
    bound="boolean",
    marks="text",
)
_PURGE = text("DELETE FROM configuration WHERE account_id = ANY(CAST(:ids AS text[]))")
_CONFIGURATION = Bulk(
    "INSERT INTO configuration ({columns})"
    " SELECT account_id, kind, key, CAST(value AS jsonb), present, mark FROM {rows}"
    " ON CONFLICT (account_id, kind, key)"
    " DO UPDATE SET value = excluded.value, present = excluded.present, mark = excluded.mark",
    account_id="text",
    kind="text",
    key="text",
    value="text",
    present="boolean",
    mark="text",
)
_WAIT = Bulk(
    "INSERT INTO waiting ({columns}) SELECT * FROM {rows}",
    account_id="text",
    until="timestamptz",
    topic="text",
    broker_topic="text",
    partition="int",
    record_offset="bigint",
    key="bytea",
    value="bytea",
    headers="bytea",
)
_LEAVE = text("DELETE FROM waiting WHERE id = ANY(CAST(:ids AS bigint[]))")


async def save(connection: Connection, unit_of_work: UnitOfWork) -> None:
    """Store everything that `unit_of_work` holds; the log comes last, since it takes the locks that all copies share.

    The entries are made while PostgreSQL is busy with the rows.
    """
    unit_of_work.number_overviews()
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_save_rows(connection, unit_of_work))
            wording = both.create_task(with_pauses(unit_of_work.entries()))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # whoever called tells the kinds of trouble apart
    await log.append(connection, wording.result())


async def _save_rows(connection: Connection, unit_of_work: UnitOfWork) -> None:
    changed = unit_of_work.changed()
    await _ACCOUNTS.run(connection, [_account(locked, unit_of_work) for locked in changed])
    await _SERVERS.run(connection, [row for locked in changed for row in _servers(locked)])
    await _save_configuration(connection, unit_of_work, changed)
    await bookkeeping.book(connection, unit_of_work)
    await _save_waiting(connection, unit_of_work, changed)
    await deduplication.unclaim(connection, unit_of_work.forgotten)
    await event_counts.add(connection, unit_of_work.event_counts)


async def _save_configuration(
    connection: Connection, unit_of_work: UnitOfWork, changed: Sequence[LockedAccount]
) -> None:
    released = [event.account_id for event in unit_of_work.emitted if isinstance(event.data, Released)]
    if released:
        await connection.execute(_PURGE, {"ids": released})
    await _CONFIGURATION.run(connection, [row for locked in changed for row in _configuration(locked)])


async def _save_waiting(connection: Connection, unit_of_work: UnitOfWork, changed: Sequence[LockedAccount]) -> None:
    new = [(event, until) for locked in changed for event, until in locked.waiting if event.waiting_id is None]
    if unit_of_work.left_waiting:
        await connection.execute(_LEAVE, {"ids": sorted(unit_of_work.left_waiting)})
    await _WAIT.run(connection, [_waiting(event, until) for event, until in new])


def _account(locked: LockedAccount, unit_of_work: UnitOfWork) -> Row:
    policy = unit_of_work.rules.policy
    account, timer = locked.account, locked.timer(policy)
    texts = rows.texts_of(account, before=locked.before)
    return (
        account.account_id,
        account.version,
        account.decided_at,
        texts.contact,
        texts.subscription,
        account.balance,
        *account.registered,
        *account.bound,
        texts.facts,
        locked.revision,
        unit_of_work.now,
        locked.next_due_at(unit_of_work.now, policy),
        timer.kind if timer else None,
        len(locked.waiting),
    )


def _servers(locked: LockedAccount) -> list[Row]:
    before = locked.before.servers
    return [
        (locked.account.account_id, server_id, server.present, server.cores, server.bound, rows.server_marks(server))
        for server_id, server in locked.account.servers.items()
        if server is not before.get(server_id)
    ]


def _configuration(locked: LockedAccount) -> list[Row]:
    before = locked.before.configuration
    return [
        (
            locked.account.account_id,
            kind,
            key,
            orjson.dumps(entry.value).decode() if entry.present else None,
            entry.present,
            rows.pack_mark(entry.stamp),
        )
        for (kind, key), entry in locked.account.configuration.items()
        if entry is not before.get((kind, key))
    ]


def _waiting(event: Incoming, until: datetime | None) -> Row:
    record = event.record
    headers = log.pack(tuple(record.headers))
    place = (record.topic, record.partition, record.offset)
    return event.account_id, until, event.topic, *place, record.key, record.value, headers
