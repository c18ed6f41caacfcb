"""Where the output topics end, and that the log has what they end with.

A database that was restored from a backup, or that lost its last transactions in a failover, lacks entries that are on
the topics. It would decide them anew, and soon its log would be as long as the topics again, with other entries in
their places. So the last entry itself is compared, and no copy begins to work before it has looked.
"""

from collections.abc import Mapping

import orjson
from aiokafka import TopicPartition

from shared.contracts.topics import TOPICS
from shared.kafka.client import standalone_consumer
from shared.kafka.last_records import last_visible
from shared.kafka.record import Record, sequence_of
from shared.kafka.topics import name_of
from shared.outbox import progress
from shared.runtime.errors import Alarm
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Partition


async def last_sequences(engine: Engine, settings: Settings) -> dict[Partition, int]:
    """The sequence of the last entry on each output partition that holds one.

    Any copy may ask while another one publishes: an entry is in the log before it is on its topic, and the topics are
    read first. Raises `Alarm` where the log does not have that entry, and `Transient`.
    """
    async with transaction(engine) as connection:
        await progress.begin(connection)
        places = await progress.ends(connection)
    lasts = await _last_records(places, settings)
    sequences = {place: sequence_of(record) or 0 for place, record in lasts.items()}
    async with transaction(engine) as connection:
        ends = await progress.ends(connection)
        values = await progress.values(connection, {at: last for at, last in sequences.items() if _is_event(at)})
    for place, record in lasts.items():
        _check_has(place, record, end=ends[place], value=values.get(place))
    return sequences


async def _last_records(places: Mapping[Partition, int], settings: Settings) -> dict[Partition, Record]:
    names = {place: TopicPartition(name_of(place.topic, settings), place.partition) for place in places}
    async with standalone_consumer(settings) as consumer:
        found = await last_visible(consumer, names.values(), ours=lambda record: sequence_of(record) is not None)
    return {place: record for place, name in names.items() if (record := found[name]) is not None}


def _check_has(place: Partition, record: Record, *, end: int, value: bytes | None) -> None:
    """Raises `Alarm` where the log, which ends at `end`, has no such entry, or one with another `value`."""
    sequence, difference = sequence_of(record) or 0, ""
    if sequence > end:
        difference = f"holds entry {sequence}, but the log ends at {end}"
    elif value is not None and _identity(value) != _identity(record.value or b"null"):
        difference = f"holds another entry {sequence} than the log"
    if difference:
        raise Alarm(
            f"{place.topic}-{place.partition} {difference}: the database is older than the topic (restored from a"
            " backup?). See docs/operations.md before anything is published."
        )


def _is_event(place: Partition) -> bool:
    """Of the other entries, a document is not in the log, and a dead letter may have been published shortened."""
    return TOPICS[place.topic].is_sequenced


def _identity(value: bytes) -> object:
    """What an event keeps when a person is forgotten, and what one that is decided anew does not have again.

    Of what is no event, which only somebody else can have written with a sequence, all.
    """
    try:
        event = orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
    return [event.get(name) for name in ("id", "recordedat")] if isinstance(event, dict) else value
