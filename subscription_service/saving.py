"""Storing what a transaction changed: rows in bulk, the tally, and last the log."""

import asyncio
from collections.abc import Sequence

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import log, tally
from shared.contracts.lifecycle import Released
from shared.log import Entry
from subscription_service import bookkeeping, claims, rows
from subscription_service.bulk import Row, write
from subscription_service.incoming import Incoming
from subscription_service.work import Held, Work

_ACCOUNTS = text(
    "UPDATE account a SET version = n.version, decided_at = n.decided_at, contact = coalesce(n.contact, a.contact),"
    " subscription = coalesce(n.subscription, a.subscription), balance = n.balance,"
    " registered_servers = n.registered_servers, registered_cores = n.registered_cores,"
    " bound_servers = n.bound_servers, bound_cores = n.bound_cores, facts = coalesce(n.facts, a.facts),"
    " revision = n.revision, changed_at = CASE WHEN n.revision > a.revision THEN n.changed_at ELSE a.changed_at END,"
    " next_due_at = n.next_due_at, next_timer = n.next_timer, waiting = n.waiting"
    " FROM unnest(CAST(:rows AS account[])) AS n WHERE a.account_id = n.account_id"
)
"""A document that is NULL stays as it is: most events leave it alone, and none takes it away."""
_SERVERS = text(
    "INSERT INTO server SELECT n.* FROM unnest(CAST(:rows AS server[])) AS n"
    " ON CONFLICT (account_id, server_id) DO UPDATE SET present = excluded.present, cores = excluded.cores,"
    " bound = excluded.bound, marks = excluded.marks"
)
_PURGE = text("DELETE FROM configuration WHERE account_id = ANY(CAST(:ids AS text[]))")
_CONFIGURATION = text(
    "INSERT INTO configuration SELECT n.* FROM unnest(CAST(:rows AS configuration[])) AS n"
    " ON CONFLICT (account_id, kind, key)"
    " DO UPDATE SET value = excluded.value, present = excluded.present, mark = excluded.mark"
)
_WAIT = text(
    "INSERT INTO waiting (account_id, until, topic, broker_topic, partition, record_offset, key, value, headers)"
    " SELECT n.account_id, n.until, n.topic, n.broker_topic, n.partition, n.record_offset, n.key, n.value, n.headers"
    " FROM unnest(CAST(:rows AS waiting[])) AS n"
)
_LEAVE = text("DELETE FROM waiting WHERE id = ANY(CAST(:ids AS bigint[]))")

_A_FEW = 100


async def save(connection: AsyncConnection, work: Work) -> None:
    """Store everything that `work` holds; the log comes last, since it takes the locks that all copies share.

    What is to be said is put into words while PostgreSQL is busy with the rows.
    """
    work.number_overviews()
    try:
        async with asyncio.TaskGroup() as both:
            both.create_task(_save_rows(connection, work))
            wording = both.create_task(_worded(work))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # whoever called tells the kinds of trouble apart
    await log.append(connection, wording.result())


async def _worded(work: Work) -> list[Entry]:
    """All entries, with a pause after every few, in which the answer of the database can be taken."""
    entries = []
    for number, entry in enumerate(work.entries()):
        if number % _A_FEW == 0:
            await asyncio.sleep(0)
        entries.append(entry)
    return entries


async def _save_rows(connection: AsyncConnection, work: Work) -> None:
    changed = work.changed()
    await write(connection, _ACCOUNTS, [_account(held, work) for held in changed])
    await write(connection, _SERVERS, [row for held in changed for row in _servers(held)])
    await _save_configuration(connection, work, changed)
    await bookkeeping.book(connection, work)
    await _save_waiting(connection, work, changed)
    await claims.unclaim(connection, work.unclaimed)
    await tally.add(connection, work.tally)


async def _save_configuration(connection: AsyncConnection, work: Work, changed: Sequence[Held]) -> None:
    released = [said.account_id for said in work.said if isinstance(said.data, Released)]
    if released:
        await connection.execute(_PURGE, {"ids": released})
    await write(connection, _CONFIGURATION, [row for held in changed for row in _configuration(held)])


async def _save_waiting(connection: AsyncConnection, work: Work, changed: Sequence[Held]) -> None:
    new = [event for held in changed for event in held.waiting if event.waiting_id is None]
    if work.left_waiting:
        await connection.execute(_LEAVE, {"ids": sorted(work.left_waiting)})
    await write(connection, _WAIT, [_waiting(event) for event in new])


def _account(held: Held, work: Work) -> Row:
    account, timer = held.account, held.timer(work.rules)
    texts = rows.texts_of(account, before=held.before)
    return (
        account.account_id,
        held.partition,
        account.version,
        account.decided_at,
        texts.contact,
        texts.subscription,
        account.balance,
        *account.registered,
        *account.bound,
        texts.facts,
        held.revision,
        work.now,
        held.next_due_at(timer, work.now),
        timer.kind if timer else None,
        len(held.waiting),
    )


def _servers(held: Held) -> list[Row]:
    before = held.before.servers
    return [
        (held.account.account_id, server_id, server.present, server.cores, server.bound, rows.server_marks(server))
        for server_id, server in held.account.servers.items()
        if server is not before.get(server_id)
    ]


def _configuration(held: Held) -> list[Row]:
    before = held.before.configuration
    return [
        (
            held.account.account_id,
            kind,
            key,
            orjson.dumps(entry.value).decode() if entry.present else None,
            entry.present,
            rows.pack_mark(entry.mark),
        )
        for (kind, key), entry in held.account.configuration.items()
        if entry is not before.get((kind, key))
    ]


def _waiting(event: Incoming) -> Row:
    record = event.record
    headers = log.pack(tuple(record.headers))
    place = (record.topic, record.partition, record.offset)
    return None, event.account_id, event.until, event.topic, *place, record.key, record.value, headers
