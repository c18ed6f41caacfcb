"""Recipients: one row per account that a lifecycle event has named."""

from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from notifier_service.decisions.outdated import LatestVersions
from notifier_service.decisions.preferences import NOTHING_MUTED, MutedByFurther, Preferences
from notifier_service.decisions.recipient import Recipient
from notifier_service.decisions.subscription import Subscription
from notifier_service.storage import preferences, unsubscriptions
from notifier_service.storage.metadata import NotifierTable
from shared.contracts.envelope import json_reader, to_json
from shared.contracts.types import Contact, FurtherRecipient
from shared.storage.bulk import Row, insert, update
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.statement import Statement
from shared.storage.tables import Counter, Document, TextKey


class RecipientRow(NotifierTable, table=True):
    """`contact_version`: version of the event that stated `contact`; `further_version`: of the one that stated the
    `further` recipients (R52). `standing`: `LatestVersions`, by its names.

    `told_shortfall`: of the failed deduction that was told last. `subscription`: as the recipient is shown it.
    """

    __tablename__ = "recipient"
    account_id: TextKey
    contact: Document
    contact_version: Counter
    standing: dict[str, int] = Field(sa_column=Column(JSONB, nullable=False, server_default=text("'{}'")))
    told_shortfall: Decimal | None = Field(default=None, sa_type=Numeric(30, 2))
    further: Document
    further_version: Counter
    subscription: Document


_read_contact = json_reader(Contact)
_read_further = json_reader(tuple[FurtherRecipient, ...])
_read_subscription = json_reader(Subscription)
_read_versions = json_reader(dict[str, int])
_SELECTED = Selection(RecipientRow)
_SELECT = f"SELECT {_SELECTED.sql} FROM recipient WHERE account_id = ANY(CAST(:account_ids AS text[]))"
_LOAD = Statement(_SELECT)
_LOCK = Statement(f"{_SELECT} ORDER BY account_id FOR UPDATE")
_INSERT = insert(RecipientRow, ["account_id"], or_ignore=True)
_UPDATE = update(RecipientRow)


async def lock(connection: Connection, account_ids: Collection[str]) -> dict[str, Recipient]:
    """The recipients of these accounts by account id, locked; a missing one is inserted first."""
    ordered = sorted(account_ids)
    await _INSERT.run(connection, [{"account_id": account_id} for account_id in ordered])
    return await _select(connection, _LOCK, ordered)


async def load(connection: Connection, account_ids: Collection[str]) -> dict[str, Recipient]:
    """Account id -> recipient, without those that do not exist; not locked."""
    return await _select(connection, _LOAD, sorted(account_ids))


async def save(connection: Connection, changed: Sequence[Recipient]) -> None:
    """Update recipients that `lock` gave; what is switched off is stored by `preferences` and `unsubscriptions`."""
    await _UPDATE.run(connection, [_row(recipient) for recipient in changed])


async def _select(connection: Connection, statement: Statement, account_ids: Sequence[str]) -> dict[str, Recipient]:
    rows = list(_SELECTED.rows(await statement.fetch(connection, {"account_ids": account_ids})))
    preferred = await preferences.load(connection, [row.account_id for row in rows])
    muted_by_further = await unsubscriptions.load(connection, [row.account_id for row in rows if row.further])
    return {
        row.account_id: _recipient(row, preferred[row.account_id], muted_by_further.get(row.account_id, NOTHING_MUTED))
        for row in rows
    }


def _row(recipient: Recipient) -> Row:
    return {
        "account_id": recipient.account_id,
        "contact": to_json(recipient.contact).decode() if recipient.contact else None,
        "contact_version": recipient.contact_version,
        "standing": to_json(recipient.latest_versions.by_kind).decode(),
        "told_shortfall": recipient.told_shortfall,
        "further": to_json(recipient.further).decode() if recipient.further else None,
        "further_version": recipient.further_version,
        "subscription": to_json(recipient.subscription).decode(),
    }


def _recipient(row: Any, preferred: Preferences, muted_by_further: MutedByFurther) -> Recipient:
    return Recipient(
        account_id=row.account_id,
        contact=_read_contact(row.contact) if row.contact else None,
        contact_version=row.contact_version,
        latest_versions=LatestVersions(_read_versions(row.standing)),
        told_shortfall=row.told_shortfall,
        subscription=_read_subscription(row.subscription) if row.subscription else Subscription(),
        preferences=preferred,
        further=_read_further(row.further) if row.further else (),
        further_version=row.further_version,
        muted_by_further=muted_by_further,
    )
