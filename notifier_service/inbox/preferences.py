"""What a recipient switched off, in PostgreSQL."""

from sqlalchemy import text

from notifier_service.decisions.plan import Preferences
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection

_STORED = text("SELECT kind, channel FROM preference WHERE account_id = :account_id")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext('preference'), hashtext(:account_id))")
_CLEAR = text("DELETE FROM preference WHERE account_id = :account_id")
_SET = text(
    "INSERT INTO preference (account_id, kind, channel)"
    " SELECT :account_id, * FROM unnest(CAST(:kinds AS text[]), CAST(:channels AS text[]))"
)


async def stored(connection: Connection, account_id: str) -> Preferences:
    """As last replaced; nothing is switched off at first."""
    rows = await connection.execute(_STORED, {"account_id": account_id})
    return Preferences(frozenset((row.kind, Channel(row.channel)) for row in rows))


async def replace(connection: Connection, account_id: str, preferences: Preferences) -> None:
    """Store all that is switched off in place of what was."""
    await connection.execute(_LOCK, {"account_id": account_id})
    await connection.execute(_CLEAR, {"account_id": account_id})
    muted = sorted(preferences.muted)
    kinds, channels = [kind for kind, _ in muted], [channel.value for _, channel in muted]
    await connection.execute(_SET, {"account_id": account_id, "kinds": kinds, "channels": channels})
