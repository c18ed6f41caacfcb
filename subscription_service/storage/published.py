"""This service's entries in the log: lifecycle events are kept for good, state documents until they are published."""

from collections.abc import AsyncIterator, Sequence

from sqlalchemy import text

from shared.contracts.topics import LIFECYCLE, STATE
from shared.storage.database import Connection
from subscription_service.storage.account_range import IN_RANGE, AccountRange

_HISTORY = text(
    f"SELECT value FROM log WHERE topic = '{LIFECYCLE}' AND account_id = :id ORDER BY sequence"
    " OFFSET :after LIMIT :limit"
)
_OF_RANGE = text(
    f"SELECT account_id, value FROM log WHERE topic = '{LIFECYCLE}' AND {IN_RANGE} ORDER BY account_id, topic, sequence"
)
_DELETE_STATE = text(
    f"DELETE FROM log USING relay_position r WHERE log.topic = '{STATE}' AND r.topic = log.topic"
    " AND r.partition = log.partition AND log.sequence < r.published - :keep"
)


async def history(connection: Connection, account_id: str, *, after: int, limit: int) -> Sequence[bytes]:
    """An account's lifecycle events after version `after`, as published. Versions have no gap, so they count events."""
    found = await connection.execute(_HISTORY, {"id": account_id, "after": after, "limit": limit})
    return found.scalars().all()


async def lifecycle(connection: Connection, accounts: AccountRange) -> AsyncIterator[tuple[str, bytes]]:
    """Account id and lifecycle event as published, account by account in order; a stream, since it may be long."""
    async with connection.stream(_OF_RANGE, accounts._asdict()) as found:
        async for account_id, value in found:
            yield account_id, value


async def delete_published_state(connection: Connection, *, keep: int) -> None:
    """Delete state documents that are published, but the last `keep` of each partition."""
    await connection.execute(_DELETE_STATE, {"keep": keep})
