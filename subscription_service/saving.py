"""Storing what a transaction changed: rows in bulk, the tally, and last the log."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from shared import log, tally
from shared.contracts.envelope import Event, to_json
from shared.contracts.inbound import AccountCredited, CouponIssued
from shared.contracts.lifecycle import Released, Renewed
from shared.log import Entry
from subscription_service import claims, rows
from subscription_service.domain.model import ZERO, Account
from subscription_service.domain.orders import OrderEntry, order_entry
from subscription_service.domain.policy import Catalog
from subscription_service.incoming import Incoming
from subscription_service.published import Said
from subscription_service.work import Held, Work

_FIGURES = {
    "account_id": "text",
    "version": "bigint",
    "decided_at": "timestamptz",
    "balance": "numeric",
    "registered_servers": "bigint",
    "registered_cores": "bigint",
    "bound_servers": "bigint",
    "bound_cores": "bigint",
    "revision": "bigint",
    "next_due_at": "timestamptz",
    "waiting": "bigint",
}
_DOCUMENTS = {"contact": "text", "subscription": "text", "facts": "text"}


def _update(columns: Mapping[str, str]) -> TextClause:
    """Many accounts at once, these columns of them, and when that was."""
    sets = ", ".join(
        f"{name} = CAST(n.{name} AS json)" if name in _DOCUMENTS else f"{name} = n.{name}"
        for name in columns
        if name != "account_id"
    )
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in columns.items())
    changed_at = "CASE WHEN n.revision > a.revision THEN :now ELSE a.changed_at END"
    return text(
        f"UPDATE account a SET {sets}, changed_at = {changed_at}"  # noqa: S608  constants, all of them
        f" FROM unnest({arrays}) AS n ({', '.join(columns)}) WHERE a.account_id = n.account_id"
    )


_ACCOUNTS = _update(_FIGURES | _DOCUMENTS)
_ACCOUNT_FIGURES = _update(_FIGURES)
_SERVERS = text(
    "INSERT INTO server (account_id, server_id, present, cores, bound, marks)"
    " SELECT * FROM unnest(CAST(:account_id AS text[]), CAST(:server_id AS text[]), CAST(:present AS boolean[]),"
    " CAST(:cores AS bigint[]), CAST(:bound AS boolean[]), CAST(:marks AS text[]))"
    " ON CONFLICT (account_id, server_id) DO UPDATE SET present = excluded.present, cores = excluded.cores,"
    " bound = excluded.bound, marks = excluded.marks"
)
_PURGE = text("DELETE FROM configuration WHERE account_id = ANY(CAST(:ids AS text[]))")
_CONFIGURATION = text(
    "INSERT INTO configuration (account_id, kind, key, value, present, mark)"
    " SELECT account_id, kind, key, CAST(value AS jsonb), present, mark FROM unnest(CAST(:account_id AS text[]),"
    " CAST(:kind AS text[]), CAST(:key AS text[]), CAST(:value AS text[]), CAST(:present AS boolean[]),"
    " CAST(:mark AS text[]))"
    " AS n (account_id, kind, key, value, present, mark)"
    " ON CONFLICT (account_id, kind, key)"
    " DO UPDATE SET value = excluded.value, present = excluded.present, mark = excluded.mark"
)
_COUPONS = text(
    "INSERT INTO coupon (coupon_id, account_id, amount_off, percent_off, minimum_spend, valid_from, valid_until)"
    " SELECT * FROM unnest(CAST(:coupon_id AS text[]), CAST(:account_id AS text[]), CAST(:amount_off AS numeric[]),"
    " CAST(:percent_off AS int[]), CAST(:minimum_spend AS numeric[]), CAST(:valid_from AS date[]),"
    " CAST(:valid_until AS date[]))"
)
_USED = text(
    "UPDATE coupon SET used_by = n.order_id FROM unnest(CAST(:coupon_id AS text[]), CAST(:order_id AS text[]))"
    " AS n (coupon_id, order_id) WHERE coupon.coupon_id = n.coupon_id"
)
_LEDGER = text(
    "INSERT INTO ledger_entry (kind, entry_id, account_id, amount, at)"
    " SELECT * FROM unnest(CAST(:kind AS text[]), CAST(:entry_id AS text[]), CAST(:account_id AS text[]),"
    " CAST(:amount AS numeric[]), CAST(:at AS timestamptz[]))"
)
_ORDERS = text(
    "INSERT INTO order_entry (order_id, account_id, type, placed_at, starts_at, ends_at, months, specification, fee,"
    " rejected, catalog_version)"
    " SELECT order_id, account_id, type, placed_at, starts_at, ends_at, months, CAST(specification AS jsonb), fee,"
    " rejected, catalog_version FROM unnest(CAST(:order_id AS text[]), CAST(:account_id AS text[]),"
    " CAST(:type AS text[]), CAST(:placed_at AS timestamptz[]), CAST(:starts_at AS timestamptz[]),"
    " CAST(:ends_at AS timestamptz[]),"
    " CAST(:months AS int[]), CAST(:specification AS text[]), CAST(:fee AS numeric[]), CAST(:rejected AS boolean[]),"
    " CAST(:catalog_version AS text[])) AS n (order_id, account_id, type, placed_at, starts_at, ends_at, months,"
    " specification, fee, rejected, catalog_version)"
    " ON CONFLICT (order_id) DO NOTHING"
)
_WAIT = text(
    "INSERT INTO waiting (account_id, until, topic, broker_topic, partition, record_offset, key, value, headers)"
    " SELECT * FROM unnest(CAST(:account_id AS text[]), CAST(:until AS timestamptz[]), CAST(:topic AS text[]),"
    " CAST(:broker_topic AS text[]), CAST(:partition AS int[]), CAST(:record_offset AS bigint[]),"
    " CAST(:key AS bytea[]), CAST(:value AS bytea[]), CAST(:headers AS bytea[]))"
)
_LEAVE = text("DELETE FROM waiting WHERE id = ANY(CAST(:ids AS bigint[]))")

_A_FEW = 100

Row = dict[str, Any]


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
    await _save_accounts(connection, work, changed)
    await _bulk(connection, _SERVERS, [row for held in changed for row in _servers(held)])
    await _save_configuration(connection, work, changed)
    await _save_money(connection, work)
    await _bulk(connection, _ORDERS, _orders(work))
    await _save_waiting(connection, work, changed)
    await claims.unclaim(connection, work.unclaimed)
    await tally.add(connection, work.tally)


async def _save_accounts(connection: AsyncConnection, work: Work, changed: Sequence[Held]) -> None:
    """Documents are long, and most events are about figures only."""
    whole, figures = [], []
    for held in changed:
        texts = rows.texts_of(held.account, before=held.before, stored=held.texts)
        if texts == held.texts:
            figures.append(_figures(held, work))
        else:
            whole.append(_figures(held, work) | texts._asdict())
    await _bulk(connection, _ACCOUNTS, whole, now=work.now)
    await _bulk(connection, _ACCOUNT_FIGURES, figures, now=work.now)


async def _bulk(connection: AsyncConnection, statement: Any, batch: Sequence[Row], **common: Any) -> None:
    """One statement for all rows, a column at a time."""
    if batch:
        await connection.execute(statement, {name: [row[name] for row in batch] for name in batch[0]} | common)


async def _save_configuration(connection: AsyncConnection, work: Work, changed: Sequence[Held]) -> None:
    released = [said.account_id for said in work.said if isinstance(said.data, Released)]
    if released:
        await connection.execute(_PURGE, {"ids": released})
    await _bulk(connection, _CONFIGURATION, [row for held in changed for row in _configuration(held)])


async def _save_money(connection: AsyncConnection, work: Work) -> None:
    renewals = [(said.account_id, said.data, said.at) for said in work.said if isinstance(said.data, Renewed)]
    issued = [event.event.data for event in work.applied if isinstance(event.event.data, CouponIssued)]
    used = [{"coupon_id": data.coupon_id, "order_id": data.order_id} for _, data, _ in renewals if data.coupon_id]
    credits_ = [_credit(event.event) for event in work.applied if isinstance(event.event.data, AccountCredited)]
    charges = [_charge(account_id, data, at) for account_id, data, at in renewals if data.charged]
    await _bulk(connection, _COUPONS, [_coupon(data) for data in issued])
    await _bulk(connection, _USED, used)
    await _bulk(connection, _LEDGER, credits_ + charges)


async def _save_waiting(connection: AsyncConnection, work: Work, changed: Sequence[Held]) -> None:
    new = [event for held in changed for event in held.waiting if event.waiting_id is None]
    if work.left_waiting:
        await connection.execute(_LEAVE, {"ids": sorted(work.left_waiting)})
    await _bulk(connection, _WAIT, [_waiting(event) for event in new])


def _figures(held: Held, work: Work) -> Row:
    account = held.account
    return {
        "account_id": account.account_id,
        "version": account.version,
        "decided_at": account.decided_at,
        "balance": account.balance,
        "registered_servers": account.registered.servers,
        "registered_cores": account.registered.cores,
        "bound_servers": account.bound.servers,
        "bound_cores": account.bound.cores,
        "revision": held.revision,
        "next_due_at": held.next_due_at(work.rules, work.now),
        "waiting": len(held.waiting),
    }


def _servers(held: Held) -> list[Row]:
    before = held.before.servers
    return [
        {
            "account_id": held.account.account_id,
            "server_id": server_id,
            "present": server.present,
            "cores": server.cores,
            "bound": server.bound,
            "marks": rows.server_marks(server),
        }
        for server_id, server in held.account.servers.items()
        if server is not before.get(server_id)
    ]


def _configuration(held: Held) -> list[Row]:
    before = held.before.configuration
    return [
        {
            "account_id": held.account.account_id,
            "kind": kind.value,
            "key": key,
            "value": orjson.dumps(entry.value).decode() if entry.present else None,
            "present": entry.present,
            "mark": rows.pack_mark(entry.mark),
        }
        for (kind, key), entry in held.account.configuration.items()
        if entry is not before.get((kind, key))
    ]


def _coupon(data: CouponIssued) -> Row:
    return {
        "coupon_id": data.coupon_id,
        "account_id": data.account_id,
        "amount_off": data.amount_off,
        "percent_off": data.percent_off,
        "minimum_spend": data.minimum_spend,
        "valid_from": data.valid_from,
        "valid_until": data.valid_until,
    }


def _credit(event: Event[AccountCredited]) -> Row:
    data = event.data
    return {
        "kind": "credit",
        "entry_id": data.entry_id,
        "account_id": data.account_id,
        "amount": data.amount,
        "at": event.time,
    }


def _charge(account_id: str, data: Renewed, at: datetime) -> Row:
    charged = data.charged or ZERO
    return {"kind": "charge", "entry_id": data.order_id, "account_id": account_id, "amount": -charged, "at": at}


def _orders(work: Work) -> list[Row]:
    entries = [(said.account, _order_entry(said, work.rules.catalog)) for said in work.said]
    return [_order(account, entry) for account, entry in entries if entry]


def _order_entry(said: Said, catalog: Catalog) -> OrderEntry | None:
    cause_type = said.cause.event.type if isinstance(said.cause, Incoming) else "timer"
    return order_entry(said.data, account=said.account, cause_type=cause_type, at=said.at, catalog=catalog)


def _order(account: Account, entry: OrderEntry) -> Row:
    specification = to_json(entry.specification).decode() if entry.specification else None
    return {
        "order_id": entry.order_id,
        "account_id": account.account_id,
        "type": entry.type,
        "placed_at": entry.placed_at,
        "starts_at": entry.starts_at,
        "ends_at": entry.ends_at,
        "months": entry.months,
        "specification": specification,
        "fee": entry.fee,
        "rejected": entry.rejected,
        "catalog_version": entry.catalog_version,
    }


def _waiting(event: Incoming) -> Row:
    record = event.record
    return {
        "account_id": event.account_id,
        "until": event.until,
        "topic": event.topic,
        "broker_topic": record.topic,
        "partition": record.partition,
        "record_offset": record.offset,
        "key": record.key,
        "value": record.value,
        "headers": log.pack(tuple(record.headers)),
    }
