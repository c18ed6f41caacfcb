"""Preferences: one row per kind and channel that a recipient switched off."""

from collections.abc import Collection

from sqlalchemy import text

from notifier_service.decisions.preferences import Preferences
from notifier_service.storage.metadata import NotifierTable
from shared.contracts.outcomes import Channel
from shared.storage.bulk import insert
from shared.storage.database import Connection
from shared.storage.statement import Statement
from shared.storage.tables import TextKey


class PreferenceRow(NotifierTable, table=True):
    """The channel is switched off for the kind."""

    __tablename__ = "preference"
    account_id: TextKey
    kind: TextKey
    channel: TextKey


_LOAD = Statement("SELECT account_id, kind, channel FROM preference WHERE account_id = ANY(CAST(:ids AS text[]))")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('preference'), hashtext(:account_id))")
_DELETE = text("DELETE FROM preference WHERE account_id = :account_id")
_INSERT = insert(PreferenceRow)
_MUTE = insert(PreferenceRow, or_ignore=True)
_UNMUTE = text("DELETE FROM preference WHERE account_id = :account_id AND kind = :kind AND channel = :channel")


async def load(connection: Connection, account_ids: Collection[str]) -> dict[str, Preferences]:
    """Account id -> preferences, for each of these ids; nothing is switched off where there are no rows."""
    muted: dict[str, set[tuple[str, Channel]]] = {account_id: set() for account_id in account_ids}
    for account_id, kind, channel in await _LOAD.fetch(connection, {"ids": sorted(muted)}):
        muted[account_id].add((kind, Channel(channel)))
    return {account_id: Preferences(frozenset(pairs)) for account_id, pairs in muted.items()}


async def lock(connection: Connection, account_id: str) -> Preferences:
    """The preferences of an account, which nobody else changes until the transaction ends."""
    await connection.execute(_LOCK, {"account_id": account_id})
    return (await load(connection, [account_id]))[account_id]


async def replace(connection: Connection, account_id: str, preferences: Preferences) -> None:
    """Store these preferences of an account instead of its former ones."""
    await connection.execute(_LOCK, {"account_id": account_id})
    await connection.execute(_DELETE, {"account_id": account_id})
    rows = [{"account_id": account_id, "kind": kind, "channel": channel.value} for kind, channel in preferences.muted]
    await _INSERT.run(connection, rows)


async def mute(connection: Connection, account_id: str, kind: str, channel: Channel) -> None:
    """Switch one channel off for a kind."""
    await connection.execute(_LOCK, {"account_id": account_id})
    await _MUTE.run(connection, [{"account_id": account_id, "kind": kind, "channel": channel.value}])


async def unmute(connection: Connection, account_id: str, kind: str, channel: Channel) -> None:
    """Switch it on again."""
    await connection.execute(_LOCK, {"account_id": account_id})
    await connection.execute(_UNMUTE, {"account_id": account_id, "kind": kind, "channel": channel.value})
