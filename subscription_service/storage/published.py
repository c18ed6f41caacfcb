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
    "DELETE FROM log WHERE ctid = ANY(ARRAY(SELECT log.ctid FROM log JOIN relay_position r USING (topic, partition)"
    f" WHERE log.topic = '{STATE}' AND log.sequence < r.published - :keep LIMIT :limit FOR UPDATE OF log SKIP LOCKED))"
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


async def delete_published_state(connection: Connection, limit: int, *, keep: int) -> int:
    """Delete up to `limit` published state documents, but none of the last `keep` of each partition; how many."""
    return (await connection.execute(_DELETE_STATE, {"keep": keep, "limit": limit})).rowcount
