"""Publishing the log: one leader per service, in order, each entry exactly once for a `read_committed` reader (G2).

The topic itself says how far publishing got: each record carries its `sequence` in a header; what has none is somebody
else's, and is passed over. Starting a producer fences a stale leader and ends its open transaction; only then are the
last records read. After any error the producer is discarded, and a new one begins again at the last records; a commit
is never retried. Where the log holds only that a document changed, `documents` makes it here, and changes that need
none any more are passed over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import MAX_PUBLISHED_BYTES, TOPICS, Form
from shared.kafka.client import connection_arguments
from shared.kafka.errors import classified, close_quietly, kafka_meaning, report_when_slow
from shared.kafka.sizes import Content
from shared.kafka.topics import name_of
from shared.outbox import progress
from shared.outbox.documents import Documents, DocumentsInPlace
from shared.outbox.log import unpack
from shared.outbox.topic_ends import last_sequences
from shared.outbox.topic_limits import RefusedBatch, TopicLimits
from shared.runtime.components import ServiceContext
from shared.runtime.error_table import Meaning
from shared.runtime.errors import Alarm
from shared.runtime.retry import wait_for_event
from shared.storage.database import autocommit, transaction
from shared.storage.stored_positions import Partition

_MAX_ENTRIES: Final = 4000
"""Sequences in one Kafka transaction, shared by the output partitions that are behind; of each, one entry more."""
_PAUSE_SECONDS: Final = 0.01
"""Between transactions: Kafka 4 answers one that begins at once with CONCURRENT_TRANSACTIONS, which costs 20 ms."""
_MANY_RECORDS: Final = 1000
"""In one transaction: so many only a backlog has."""
_PAUSE_OF_MANY_SECONDS: Final = 0.1
"""After so many, for the next transaction to have more: a transaction costs much, and a document that changes again
meanwhile is published once.
"""
_BYTES_PER_RECORD: Final = 100
"""More than a record takes on the wire beside key, value and headers."""
_IDLE_SECONDS: Final = 1.0
_MAX_BYTES: Final = 4 * 1024 * 1024
"""Of the values in one Kafka transaction, shared in the same way; one entry alone may have more."""
_COMPRESSION: Final = "zstd"
"""Makes a tenth of our documents; the client's lz4 takes five times as long."""
_NO_DOCUMENTS: Final[Mapping[str, Documents]] = {}
_CONTENT_TYPE: Final = ("content-type", STRUCTURED.encode())
_BARE_TOPICS: Final = frozenset(topic.name for topic in TOPICS.values() if topic.form is not Form.EVENT)


class Relay:
    """Publishes while this copy leads. `wake` is set by whoever learns that the log has grown.

    `documents`: topic -> what makes the documents of which its log holds changes only.
    """

    def __init__(
        self, context: ServiceContext, *, wake: asyncio.Event, documents: Mapping[str, Documents] = _NO_DOCUMENTS
    ) -> None:
        self._id = f"{context.settings.topic_prefix}tenure-{context.name}-relay"
        self._settings = context.settings
        self._engine = context.engine
        self._health = context.health
        self._wake = wake
        self._documents = documents
        self._published: dict[Partition, int] = {}
        self._limits = TopicLimits()
        self._report_when_slow = partial(report_when_slow, context.health, "publishing")
        self._progress = asyncio.Condition()

    async def run(self) -> None:
        """Publish without end. Raises `Transient` on any trouble, to be called again, and `Alarm`."""
        while True:
            try:
                await self._run_producer()
            except RefusedBatch as refused:
                self._limits.learn(refused)

    async def _run_producer(self) -> None:
        """Publish with one producer, which a refused batch leaves of no use. Raises `RefusedBatch`."""
        async with self._producer() as producer:
            with self._report_when_slow("where its topics end"):
                await self._mark_published(await self._last_published())
            self._show_health()
            in_place = DocumentsInPlace(self._documents)
            while True:
                self._wake.clear()
                if not await self._publish(producer, in_place):
                    await wait_for_event(self._wake, _IDLE_SECONDS)

    async def wait_until_published(self, ends: Mapping[Partition, int]) -> None:
        """Wait until each output partition is published up to this sequence, by this leader or an earlier one."""
        async with self._progress:
            await self._progress.wait_for(lambda: all(self._published.get(key, 0) >= end for key, end in ends.items()))

    @asynccontextmanager
    async def _producer(self) -> AsyncIterator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(
            **connection_arguments(self._settings),
            transactional_id=self._id,
            transaction_timeout_ms=20_000,
            compression_type=_COMPRESSION,
            max_request_size=MAX_PUBLISHED_BYTES,
            max_batch_size=MAX_PUBLISHED_BYTES,
            request_timeout_ms=15_000,
        )
        try:
            with classified():
                with self._report_when_slow("a producer"):
                    await producer.start()
                yield producer
        finally:
            await close_quietly(producer.stop)

    async def _last_published(self) -> dict[Partition, int]:
        """The last published sequence per output partition. Raises `Alarm` where topic and log disagree."""
        on_topics = await last_sequences(self._engine, self._settings)
        async with transaction(self._engine) as connection:
            stored = await progress.stored(connection)
        return {
            key: _checked_sequence(key, on_topics.get(key), each.published, may_pass_over=key.topic in self._documents)
            for key, each in stored.items()
        }

    async def _publish(self, producer: AIOKafkaProducer, in_place: DocumentsInPlace) -> bool:
        """Publish what the log holds, in one Kafka transaction. False: there was nothing to publish."""
        wanted = {place: end for place, end in self._published.items() if self._limits.takes_now(place.topic)}
        async with autocommit(self._engine) as connection:
            entries = await progress.next_entries(connection, wanted, at_most=_MAX_ENTRIES, bytes_at_most=_MAX_BYTES)
        if not entries:
            return False
        if filled := await in_place.fill(entries, after=self._published):
            with self._report_when_slow("a transaction"):
                await producer.begin_transaction()
                self._limits.mark_taken(await self._send(producer, filled))
                await producer.commit_transaction()
        lasts = {entry[:2]: entry[2] for entry in entries}
        published = {Partition(*place): last for place, last in lasts.items()}
        await self._mark_published(published)
        self._show_health()
        await asyncio.sleep(_PAUSE_SECONDS if len(filled) < _MANY_RECORDS else _PAUSE_OF_MANY_SECONDS)
        return True

    async def _send(self, producer: AIOKafkaProducer, entries: Sequence[Any]) -> set[str]:
        """Send all partitions' batches; only then wait for them. The topics that took them. Raises `RefusedBatch`."""
        sent: list[asyncio.Task[None]] = []
        topics: set[str] = set()
        for place, own in groupby(entries, key=itemgetter(0, 1)):
            sent += await self._send_own(producer, Partition(*place), own)
            topics.add(place[0])
        await _wait_for_all(sent)
        return topics

    async def _send_own(
        self, producer: AIOKafkaProducer, place: Partition, entries: Iterable[Any]
    ) -> "list[asyncio.Task[None]]":
        """Send one partition's entries, batch after batch."""
        sent: list[asyncio.Task[None]] = []
        at_most = self._limits.batch_bytes(place.topic)
        batch = _Batch(producer, place)
        for _, _, sequence, key, value, headers in entries:
            content = self._limits.fit(place, sequence, Content(key, value, unpack(headers)))
            if not batch.has_room(content, at_most=at_most):
                sent.append(await self._send_batch(producer, batch))
                batch = _Batch(producer, place)
            batch.append(sequence, content)
        return [*sent, await self._send_batch(producer, batch)]

    async def _send_batch(self, producer: AIOKafkaProducer, batch: "_Batch") -> "asyncio.Task[None]":
        place, refused = batch.place, batch.refused()
        sending: Awaitable[Any] = await producer.send_batch(
            batch.builder, name_of(place.topic, self._settings), partition=place.partition
        )
        return asyncio.ensure_future(_taken(sending, refused))

    def _show_health(self) -> None:
        """Ready, unless a topic takes nothing."""
        if self._limits.refusals:
            self._health.mark_unready("publishing", " ".join(self._limits.refusals.values()))
        else:
            self._health.mark_ready("publishing")

    async def _mark_published(self, published: Mapping[Partition, int]) -> None:
        """Up to these sequences everything is on its topic: wake `wait_until_published`. The next look stores it."""
        async with self._progress:
            self._published.update(published)
            self._progress.notify_all()


def _checked_sequence(key: Partition, last: int | None, stored: int, *, may_pass_over: bool) -> int:
    """The sequence of a partition's last record; the stored one where retention has emptied the partition, or where the
    entries after that record may have been passed over.

    Raises `Alarm` where the topic holds less than was published.
    """
    if last is not None and last < stored and not may_pass_over:
        raise Alarm(
            f"{key.topic}-{key.partition} ends at entry {last}, but {stored} was published: the topic"
            " lost records. See docs/operations.md."
        )
    return max(last or 0, stored)


class _Batch:
    """Entries of one output partition that are sent together; `sequence`: of the first, 0 before there is one."""

    def __init__(self, producer: AIOKafkaProducer, place: Partition) -> None:
        self.builder = producer.create_batch()
        self.place = place
        self.sequence = 0
        self._own_headers = () if place.topic in _BARE_TOPICS else (_CONTENT_TYPE,)

    def has_room(self, content: Content, *, at_most: int) -> bool:
        """Whether the batch would stay within `at_most` bytes; the first entry may have any size."""
        size: int = self.builder.size()
        return not self.sequence or size + content.size + _BYTES_PER_RECORD <= at_most

    def append(self, sequence: int, content: Content) -> None:
        self.sequence = self.sequence or sequence
        headers = [*content.headers, *self._own_headers, ("sequence", b"%d" % sequence)]
        self.builder.append(key=content.key, value=content.value, timestamp=None, headers=headers)

    def refused(self) -> RefusedBatch:
        """What to raise should its topic not take it; to be made before it is sent, since that compresses it."""
        size = self.builder.size()
        return RefusedBatch(self.place, sequence=self.sequence, entries=self.builder.record_count(), size=size)


async def _taken(sending: Awaitable[Any], refused: RefusedBatch) -> None:
    """Wait until the broker has taken a batch. Raises `refused` where it is too large for its topic."""
    try:
        await sending
    except Exception as error:
        if kafka_meaning(error) is Meaning.HALVE:
            raise refused from None
        raise


async def _wait_for_all(sent: Sequence["asyncio.Task[None]"]) -> None:
    """Raises the error of a batch; `RefusedBatch` before the errors that it causes for other batches."""
    try:
        done, _ = await asyncio.wait(sent, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in sent:
            task.cancel()
    errors = [error for task in done if (error := task.exception())]
    for error in sorted(errors, key=lambda error: not isinstance(error, RefusedBatch)):
        raise error
