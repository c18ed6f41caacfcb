"""This service's entries in the log: lifecycle events are kept for good, changes of state documents until published.

Once the person behind an account is forgotten, its lifecycle events lose contacts and recipients (R48).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from sqlalchemy import text

from shared.contracts.forgetting import STATES_CONTACT, STATES_RECIPIENTS, without_person
from shared.contracts.topics import LIFECYCLE, STATE
from shared.storage.bulk import Row, update
from shared.storage.database import Connection
from shared.storage.tables import LogEntry
from subscription_service.storage.account_range import IN_RANGE, AccountRange

_HISTORY = text(
    f"SELECT value FROM log WHERE topic = '{LIFECYCLE}' AND account_id = :id ORDER BY sequence"
    " OFFSET :after LIMIT :limit"
)
_OF_RANGE = text(
    f"SELECT account_id, value FROM log WHERE topic = '{LIFECYCLE}' AND {IN_RANGE} ORDER BY account_id, topic, sequence"
)
_FORGET_AT_ONCE: Final = 1_000
_WITH_PERSON = text(
    "SELECT partition, sequence, CASE WHEN position(:states_contact IN value) > 0"
    "  OR position(:states_recipients IN value) > 0 THEN value END AS value FROM log"
    f" WHERE topic = '{LIFECYCLE}' AND account_id = :id AND sequence > :after ORDER BY sequence LIMIT :limit"
)
_REWRITE = update(LogEntry, ("topic", "partition", "sequence", "value"))
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


async def forget_person(connection: Connection, account_id: str) -> None:
    """Blank contact and recipients in all lifecycle events of an account, however many there are (R48).

    Each statement looks at a bounded number of entries, so that none is too slow.
    """
    stated = {"states_contact": STATES_CONTACT, "states_recipients": STATES_RECIPIENTS}
    arguments = {"id": account_id, "after": 0, "limit": _FORGET_AT_ONCE, **stated}
    while True:
        found = (await connection.execute(_WITH_PERSON, arguments)).all()
        await _REWRITE.run(connection, [_forgotten(row) for row in found if row.value is not None])
        if len(found) < _FORGET_AT_ONCE:
            return
        arguments["after"] = found[-1].sequence


def _forgotten(row: Any) -> Row:
    value = without_person(row.value)
    return {"topic": LIFECYCLE, "partition": row.partition, "sequence": row.sequence, "value": value}


async def delete_published_state(connection: Connection, limit: int, *, keep: int) -> int:
    """Delete up to `limit` published changes of state documents; the last `keep` of each partition stay. How many."""
    return (await connection.execute(_DELETE_STATE, {"keep": keep, "limit": limit})).rowcount
