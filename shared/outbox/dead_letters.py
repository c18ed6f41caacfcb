"""Dead letters in the log by the account that they name: to show them, and to empty them once the person behind it is
forgotten (R48).

With the contacts of lifecycle events this is the one change that is ever made to an entry; sequences stay as they are.
Each statement is about a bounded number of entries, found by their account.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import text

from shared.kafka.dead_letters import emptied_headers
from shared.outbox.log import pack, unpack
from shared.storage.bulk import update
from shared.storage.database import Connection
from shared.storage.tables import LogEntry

_AT_ONCE: Final = 1_000
_NEXT: Final = (
    "SELECT partition, sequence, headers FROM log WHERE topic = '{topic}' AND account_id = :account_id"
    " AND (partition, sequence) > (:partition, :sequence) ORDER BY partition, sequence LIMIT :limit"
)
_NEWEST: Final = (
    "SELECT partition, sequence, key, value, headers FROM log WHERE topic = '{topic}' AND account_id = :account_id"
    " ORDER BY partition, sequence DESC LIMIT :limit"
)
_EMPTY = update(LogEntry, ("topic", "partition", "sequence", "key", "value", "headers"))


class DeadLetterEntry(NamedTuple):
    """A dead letter; `partition` and `sequence`: where it lies in the log."""

    partition: int
    sequence: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


async def dead_letters_of(connection: Connection, topic: str, account_id: str, *, limit: int) -> list[DeadLetterEntry]:
    """The dead letters of an account on one of the topics of dead letters, the newest of each partition first."""
    found = await connection.execute(text(_NEWEST.format(topic=topic)), {"account_id": account_id, "limit": limit})
    return [DeadLetterEntry(*row)._replace(headers=unpack(row.headers)) for row in found]


async def empty_dead_letters(connection: Connection, topic: str, account_id: str) -> None:
    """Empty all stored dead letters of an account on one of the topics of dead letters, however many there are."""
    partition, sequence = 0, 0
    while True:
        arguments = {"account_id": account_id, "partition": partition, "sequence": sequence, "limit": _AT_ONCE}
        found = (await connection.execute(text(_NEXT.format(topic=topic)), arguments)).all()
        place = {"topic": topic, "key": account_id.encode(), "value": None}
        rows = [
            {**place, "partition": row.partition, "sequence": row.sequence, "headers": _emptied(row.headers)}
            for row in found
        ]
        await _EMPTY.run(connection, rows)
        if len(found) < _AT_ONCE:
            return
        partition, sequence = found[-1].partition, found[-1].sequence


def _emptied(headers: bytes | None) -> bytes | None:
    return pack(emptied_headers(unpack(headers)))
