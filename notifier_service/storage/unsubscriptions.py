"""Unsubscriptions: one row per kind of email that a further recipient (R52) has muted.

They stay while the recipient is away from the list, so that one who comes back is not written to again, and go with an
erasure. What the contact has muted is in `preferences`.
"""

from collections.abc import Collection

from sqlalchemy import text

from notifier_service.decisions.preferences import NOTHING_MUTED, MutedByFurther
from notifier_service.storage.metadata import NotifierTable
from shared.storage.bulk import insert
from shared.storage.database import Connection
from shared.storage.statement import Statement
from shared.storage.tables import TextKey


class UnsubscriptionRow(NotifierTable, table=True):
    """Email of the kind goes to this further recipient no more."""

    __tablename__ = "unsubscription"
    account_id: TextKey
    recipient_id: TextKey
    kind: TextKey


_LOAD = Statement(
    "SELECT account_id, recipient_id, kind FROM unsubscription WHERE account_id = ANY(CAST(:ids AS text[]))"
)
_ADD = insert(UnsubscriptionRow, or_ignore=True)
_REMOVE = text(
    "DELETE FROM unsubscription WHERE account_id = :account_id AND recipient_id = :recipient_id AND kind = :kind"
)
_FORGET = text("DELETE FROM unsubscription WHERE account_id = :account_id")


async def load(connection: Connection, account_ids: Collection[str]) -> dict[str, MutedByFurther]:
    """Account id -> what its further recipients have muted, of those of these accounts where there is anything."""
    found: dict[str, MutedByFurther] = {}
    rows = await _LOAD.fetch(connection, {"ids": sorted(account_ids)}) if account_ids else ()
    for account_id, recipient_id, kind in rows:
        found[account_id] = found.get(account_id, NOTHING_MUTED) | {(recipient_id, kind)}
    return found


async def add(connection: Connection, account_id: str, recipient_id: str, kind: str) -> None:
    """A second time changes nothing."""
    await _ADD.run(connection, [{"account_id": account_id, "recipient_id": recipient_id, "kind": kind}])


async def remove(connection: Connection, account_id: str, recipient_id: str, kind: str) -> None:
    """The recipient is written to again."""
    await connection.execute(_REMOVE, {"account_id": account_id, "recipient_id": recipient_id, "kind": kind})


async def forget(connection: Connection, account_id: str) -> None:
    """All of an account (R48)."""
    await connection.execute(_FORGET, {"account_id": account_id})
