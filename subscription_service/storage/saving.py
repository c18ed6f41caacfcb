"""Storing what a unit of work has collected: rows entity by entity, how the events ended, and last the log."""

import asyncio
from functools import partial

from shared.contracts.topics import DEAD_LETTERS
from shared.outbox import log
from shared.storage import event_counts
from shared.storage.database import Connection, after_commit
from subscription_service.domain.timers import next_action
from subscription_service.pauses import with_pauses
from subscription_service.recent_states import AccountState, RecentStates
from subscription_service.storage import (
    accounts,
    configuration,
    coupons,
    deduplication,
    erasure,
    ledger,
    orders,
    receipts,
    servers,
    subscription_counts,
    waiting,
)
from subscription_service.unit_of_work import UnitOfWork


async def save(connection: Connection, unit_of_work: UnitOfWork, recent: RecentStates | None = None) -> None:
    """Store everything. The log comes last, since the locks of its partitions are shared by all accounts.

    Its entries are made while PostgreSQL is busy with the rows. `recent`: keeps what was decided once it is committed.
    """
    unit_of_work.raise_revisions()
    try:
        async with asyncio.TaskGroup() as both:
            saving = both.create_task(_save_rows(connection, unit_of_work))
            entries = both.create_task(with_pauses(unit_of_work.entries()))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None  # the caller tells transient from permanent errors by their class
    saving.result()  # the driver may have cancelled it, which a task group does not notice
    await log.append(connection, entries.result())
    if recent is not None:
        after_commit(connection, partial(recent.keep, _states(unit_of_work)))


def _states(unit_of_work: UnitOfWork) -> list[AccountState]:
    policy, now = unit_of_work.rules.policy, unit_of_work.now
    return [
        AccountState(each.account, next_action(each.account, each.timer(policy), policy), each.revision, now)
        for each in unit_of_work.changed_states
    ]


async def _save_rows(connection: Connection, unit_of_work: UnitOfWork) -> None:
    changed, applied, emitted = unit_of_work.changed(), unit_of_work.applied, unit_of_work.emitted
    await accounts.save(connection, changed, unit_of_work)
    await servers.save(connection, changed)
    await configuration.save(connection, changed, emitted)
    await coupons.save(connection, applied, emitted)
    await ledger.save(connection, applied, emitted)
    await orders.save(connection, emitted, unit_of_work.rules)
    await waiting.save(connection, changed, stopped=unit_of_work.waiting_rows_to_delete)
    await receipts.save(connection, unit_of_work.receipts)
    await deduplication.forget(connection, unit_of_work.ids_to_forget)
    await deduplication.release(connection, unit_of_work.refused_imports)
    await subscription_counts.add(connection, changed)
    await erasure.save(connection, applied, emitted)
    await event_counts.add(connection, unit_of_work.event_counts)
    await event_counts.add_dead_letters(connection, DEAD_LETTERS, unit_of_work.dead_letter_counts)
