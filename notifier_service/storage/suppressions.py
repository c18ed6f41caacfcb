"""The suppression list: addresses to which no more email is sent, each as a keyed hash and nothing else of it.

An address stays until an operator releases it; whoever changes to another address is written to at that one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text

from notifier_service.storage.metadata import NotifierTable
from shared.storage.bulk import insert
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.statement import Statement
from shared.storage.tables import Instant, OptionalText, Text, TextKey


class SuppressionRow(NotifierTable, table=True):
    """`reason`: `bounced` or `complained`, since when; `notification_id`: the email that it was, while it is known."""

    __tablename__ = "suppression"
    address_hash: TextKey
    reason: Text
    since: Instant
    notification_id: OptionalText


class Suppression(NamedTuple):
    """An address on the list; fields as the columns."""

    address_hash: str
    reason: str
    since: datetime
    notification_id: str | None


_SELECTED = Selection(SuppressionRow, *Suppression._fields)
_ADD = insert(SuppressionRow, Suppression._fields, or_ignore=True, returning=Selection(SuppressionRow, "address_hash"))
_REASONS = Statement("SELECT address_hash, reason FROM suppression WHERE address_hash = ANY(CAST(:hashes AS text[]))")
_PAGE = text(
    f"SELECT {_SELECTED.sql} FROM suppression WHERE (CAST(:after AS text) IS NULL OR address_hash > :after)"
    " AND (CAST(:hashes AS text[]) IS NULL OR address_hash = ANY(CAST(:hashes AS text[])))"
    " ORDER BY address_hash LIMIT :limit"
)
_RELEASE = text("DELETE FROM suppression WHERE address_hash = :address_hash")


async def add(connection: Connection, new: Sequence[Suppression]) -> set[str]:
    """Put addresses on the list; the hashes of those that were not on it."""
    ordered = sorted(new, key=lambda one: one.address_hash)
    return {address_hash for (address_hash,) in await _ADD.fetch(connection, [one._asdict() for one in ordered])}


async def reasons(connection: Connection, hashes: Collection[str]) -> dict[str, str]:
    """Hash -> reason, of those that are on the list."""
    if not hashes:
        return {}
    return dict(await _REASONS.fetch(connection, {"hashes": sorted(hashes)}))


async def page(
    connection: Connection, *, after: str | None, limit: int, hashes: Collection[str] | None = None
) -> list[Suppression]:
    """The list in order of the hashes, from `after` on; with `hashes` only these."""
    arguments = {"after": after, "limit": limit, "hashes": None if hashes is None else sorted(hashes)}
    return [Suppression._make(row) for row in await connection.execute(_PAGE, arguments)]


async def release(connection: Connection, address_hash: str) -> bool:
    """Take an address off the list; False where it was not on it."""
    return (await connection.execute(_RELEASE, {"address_hash": address_hash})).rowcount > 0
