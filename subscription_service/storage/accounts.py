"""Accounts: one row per customer, locked by every transaction that decides something about it.

A row holds what folding the lifecycle gives (`version`, `contact`, `subscription`), facts and their totals, and when
something must happen by itself. Servers, configuration entries, coupons and waiting events have rows of their own.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import Index, Numeric, text
from sqlmodel import Field

from shared.kafka.partitioning import partition_of
from shared.storage.bulk import Row, insert, update
from shared.storage.columns import Selection, names_of
from shared.storage.database import Connection
from shared.storage.statement import Statement
from shared.storage.tables import Counter, OptionalInstant, OptionalText, TextDocument, TextKey
from subscription_service.domain.listing import list_group, listed_day
from subscription_service.domain.model import Account, ServerTotals
from subscription_service.domain.timers import Timer, TimerKind, same_timer
from subscription_service.domain.waiting import NotLoaded, WaitingEvents
from subscription_service.storage.account_documents import (
    contact_document,
    contact_of,
    facts_document,
    facts_of,
    recipients_document,
    recipients_of,
    subscription_document,
    subscription_of,
)
from subscription_service.storage.metadata import SubscriptionTable
from subscription_service.unit_of_work import LockedAccount, UnitOfWork


class AccountRow(SubscriptionTable, table=True):
    """One customer.

    - `partition`: of its output topics, fixed when the row is made
    - `contact`, `recipients`, `facts`, `subscription`: JSON, see `account_documents`
    - `waiting`: how many of its events wait
    - `parked`, `parked_bytes`, `first_deadline`: of its parked events; without meaning where none wait
    - `list_group`, `listed_day`: see `domain.listing`; NULL until something is known of the account
    - `next_due_at`: when something must happen by itself: the next timer, or what its waiting events ask for
    - `next_timer`: kind of its next timer
    - `revision`, `changed_at`: of its latest state document

    What changes together stands together, and each page has room for a sixth more: so an update stays on its page,
    and writes to PostgreSQL's log only what lies between its first and its last change.
    """

    __tablename__ = "account"
    __table_args__ = (
        Index("account_due", "next_due_at", postgresql_where=text("next_due_at IS NOT NULL")),
        Index("account_list", "list_group", "listed_day", "account_id"),
        {"postgresql_with": {"fillfactor": 85}},
    )
    account_id: TextKey
    partition: int
    contact: TextDocument
    recipients: TextDocument
    facts: TextDocument
    waiting: Counter
    parked: Counter
    parked_bytes: Counter
    first_deadline: OptionalInstant
    balance: Decimal = Field(sa_type=Numeric(30, 2), sa_column_kwargs={"server_default": text("0")})
    list_group: OptionalText
    listed_day: date | None
    next_timer: OptionalText
    next_due_at: OptionalInstant
    version: Counter
    decided_at: OptionalInstant
    revision: Counter
    changed_at: OptionalInstant
    registered_servers: Counter
    registered_cores: Counter
    bound_servers: Counter
    bound_cores: Counter
    subscription: TextDocument


class AccountWithState(NamedTuple):
    """An account with `revision` and `as_of` (UTC) of its latest state document."""

    account: Account
    revision: int
    as_of: datetime


_TIMER_KINDS: Final = {kind.value: kind for kind in TimerKind}
_OF_PARKED: Final = ("parked", "parked_bytes", "first_deadline")
_LISTED_BY: Final = ("list_group", "listed_day")
_READ = Selection(AccountRow, *names_of(AccountRow, without=_LISTED_BY))
_READ_LOCKED = Selection(AccountRow, *names_of(AccountRow, without=["changed_at", *_LISTED_BY]))
_LOCK = Statement(f"SELECT {_READ_LOCKED.sql} FROM account WHERE account_id = ANY(:ids) ORDER BY account_id FOR UPDATE")
_MAKE = insert(AccountRow, ("account_id", "partition"), or_ignore=True, returning=_READ_LOCKED)
_SAVE = update(
    AccountRow,
    names_of(AccountRow, without=["partition", *_OF_PARKED]),
    # Most events leave these alone, and none takes them away.
    keep_if_null=["contact", "recipients", "subscription", "facts", "changed_at", *_LISTED_BY],
)
_SAVE_PARKED = update(AccountRow, ("account_id", *_OF_PARKED))
_FIND = text(f"SELECT {_READ.sql} FROM account WHERE account_id = :id")
_WITH_STATE = Statement(f"SELECT {_READ.sql} FROM account WHERE account_id = ANY(:ids) AND revision > 0")
_READ_SOME = text(f"SELECT {_READ.sql} FROM account WHERE account_id = ANY(:ids)")
_READ_NEXT = text(f"SELECT {_READ.sql} FROM account WHERE account_id > :after ORDER BY account_id LIMIT :limit")


async def lock(
    connection: Connection, account_ids: Collection[str], *, partitions: int
) -> tuple[dict[str, LockedAccount], list[str]]:
    """Lock these accounts in key order; new ones get a row. `partitions`: number of the lifecycle's partitions.

    Gives the accounts by id, and the ids of those with waiting events; both in key order.
    """
    wanted = sorted(account_ids)
    found = await _lock(connection, wanted)
    new = [{"account_id": each, "partition": partition_of(each, partitions)} for each in wanted if each not in found]
    found |= {row.account_id: row for row in await _MAKE.fetch(connection, new)}
    if made_elsewhere := [account_id for account_id in wanted if account_id not in found]:
        found |= await _lock(connection, made_elsewhere)
    locked = {account_id: _locked(found[account_id]) for account_id in wanted}
    return locked, [account_id for account_id in wanted if found[account_id].waiting]


async def save(connection: Connection, changed: Iterable[LockedAccount], unit_of_work: UnitOfWork) -> None:
    """Store locked accounts."""
    rows, parked = [], []
    for locked in changed:
        rows.append(_row(locked, unit_of_work))
        if locked.waiting:
            parked.append(_parked_row(locked))
    await _SAVE.run(connection, rows)
    await _SAVE_PARKED.run(connection, parked)


async def find_with_state(connection: Connection, account_id: str) -> AccountWithState | None:
    """An account that has a state document; None where nothing is known of it."""
    return next(iter(await with_state(connection, [account_id])), None)


async def with_state(connection: Connection, account_ids: Sequence[str]) -> list[AccountWithState]:
    """Those of these accounts that have a state document, in no order."""
    found = await _WITH_STATE.fetch(connection, {"ids": account_ids})
    return [AccountWithState(_account(row), row.revision, row.changed_at) for row in _READ.rows(found)]


async def read_one(connection: Connection, account_id: str) -> tuple[LockedAccount, bool]:
    """An account, and whether it has waiting events. Not locked; an empty one where there is no row."""
    for row in _READ.rows(await connection.execute(_FIND, {"id": account_id})):
        return _locked(row), bool(row.waiting)
    empty = Account(account_id=account_id)
    return LockedAccount(empty, empty, partition=0, revision=0), False


async def read_some(connection: Connection, account_ids: Sequence[str]) -> list[Account]:
    """Those of these accounts that have a row, in no order; not locked."""
    found = await connection.execute(_READ_SOME, {"ids": account_ids})
    return [_account(row) for row in _READ.rows(found)]


async def read_next(connection: Connection, *, after: str, limit: int) -> list[Account]:
    """The next accounts after an id, in key order."""
    found = await connection.execute(_READ_NEXT, {"after": after, "limit": limit})
    return [_account(row) for row in _READ.rows(found)]


async def _lock(connection: Connection, account_ids: Sequence[str]) -> dict[str, Any]:
    """Account id -> row."""
    return {row.account_id: row for row in _READ_LOCKED.rows(await _LOCK.fetch(connection, {"ids": account_ids}))}


def _locked(row: Any) -> LockedAccount:
    account = _account(row)
    return LockedAccount(
        account=account,
        before=account,
        partition=row.partition,
        revision=row.revision,
        stored_timer=timer_of(row),
        waiting=WaitingEvents(_not_loaded(row)) if row.waiting else WaitingEvents(),
    )


def _not_loaded(row: Any) -> NotLoaded:
    """Of waiting events. A copy of an older version keeps `waiting` only; what it parked then counts as deferred, which
    makes the account due at once, and its events are counted anew.
    """
    parked = min(row.parked, row.waiting)
    return NotLoaded(
        parked=parked,
        parked_bytes=row.parked_bytes,
        first_deadline=row.first_deadline if parked else None,
        deferred=row.waiting - parked,
    )


def _account(row: Any) -> Account:
    facts = facts_of(row.facts)
    return Account(
        account_id=row.account_id,
        version=row.version,
        decided_at=row.decided_at,
        contact=contact_of(row.contact),
        subscription=subscription_of(row.subscription),
        balance=row.balance,
        registered=ServerTotals(row.registered_servers, row.registered_cores),
        bound=ServerTotals(row.bound_servers, row.bound_cores),
        capacity=facts.capacity,
        retained=facts.retained,
        snapshot_stamp=facts.snapshot_stamp,
        configuration_floor=facts.configuration_floor,
        person=facts.person,
        recipients=recipients_of(row.recipients),
    )


def timer_of(row: Any) -> Timer | None:
    """The next timer, where the row tells it: not while events wait."""
    return Timer(row.next_due_at, _TIMER_KINDS[row.next_timer]) if row.next_timer and not row.waiting else None


def _row(locked: LockedAccount, unit_of_work: UnitOfWork) -> Row:
    """NULL for documents that have not changed, and for what lists the account where that has not changed."""
    account, before, policy = locked.account, locked.before, unit_of_work.rules.policy
    timer = locked.timer(policy)
    is_new = locked.revision == 1 and locked.changed_at is not None
    relisted = is_new or (locked.revision > 0 and not same_timer(account, before))
    return {
        "account_id": account.account_id,
        "version": account.version,
        "decided_at": account.decided_at,
        "contact": contact_document(account, before),
        "recipients": recipients_document(account, before),
        "subscription": subscription_document(account, before),
        "balance": account.balance,
        "registered_servers": account.registered.servers,
        "registered_cores": account.registered.cores,
        "bound_servers": account.bound.servers,
        "bound_cores": account.bound.cores,
        "facts": facts_document(account, before),
        "revision": locked.revision,
        "changed_at": locked.changed_at,
        "next_due_at": locked.next_due_at(unit_of_work.now, policy),
        "next_timer": timer.kind if timer else None,
        "waiting": len(locked.waiting),
        "list_group": list_group(account).word if relisted else None,
        "listed_day": listed_day(account) if relisted else None,
    }


def _parked_row(locked: LockedAccount) -> Row:
    waiting = locked.waiting
    return {
        "account_id": locked.account.account_id,
        "parked": waiting.parked,
        "parked_bytes": waiting.parked_bytes,
        "first_deadline": waiting.first_deadline,
    }
