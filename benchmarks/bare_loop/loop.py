"""Reading, the transaction, and the relay of a bare loop, in one process."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks.bare_loop import statements as sql
from benchmarks.bare_loop.batch import Batch, Entry
from benchmarks.bare_loop.designs import NO_HEADERS, Design, columns
from benchmarks.bare_loop.texts import TypicalTexts
from benchmarks.servers import INPUTS, OUTPUTS
from shared.contracts.envelope import with_sequence
from shared.contracts.topics import LIFECYCLE
from shared.kafka.partitioning import partition_of
from shared.kafka.topics import logical, name_of
from shared.runtime.settings import Settings

_MAX_RECORDS: Final = 2000
_RELAY_PAUSE_SECONDS: Final = 0.01
_BATCH_BYTES: Final = 512 * 1024
_LOG_COLUMNS: Final = ("topic", "partition", "sequence", "key", "value", "headers", "account_id")


class BareLoop:
    """One consumer and one relay."""

    def __init__(self, settings: Settings, texts: TypicalTexts, design: Design, pool: asyncpg.Pool) -> None:
        self._settings = settings
        self._texts = texts
        self._design = design
        self._pool = pool
        self._lifecycle = texts.lifecycle.encode()
        self._positions: dict[TopicPartition, int] = {}
        self._published: dict[tuple[str, int], int] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Until the process is ended."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            isolation_level="read_committed",
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_bytes=20 * 1024 * 1024,
        )
        await consumer.start()
        await self._start(consumer)
        await asyncio.gather(self._consume(consumer), self._relay())

    async def _start(self, consumer: AIOKafkaConsumer) -> None:
        topics = {topic: name_of(topic, self._settings) for topic in INPUTS}
        numbers = range(self._settings.topic_partitions)
        inputs = [(topic, number) for topic in INPUTS for number in numbers]
        outputs = [(topic, number) for topic in OUTPUTS for number in numbers]
        consumer.assign([TopicPartition(topics[topic], number) for topic, number in inputs])
        self._positions = {TopicPartition(topics[topic], number): 0 for topic, number in inputs}
        self._published = dict.fromkeys(outputs, 0)
        async with self._pool.acquire() as connection:
            await self._design.make_tables(connection)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(sql.INSERT_PARTITIONS, *columns(outputs))
            await connection.execute(sql.INSERT_RELAY_POSITIONS)
            await connection.execute(sql.INSERT_POSITIONS, *columns((topic, number, 0) for topic, number in inputs))

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=10, max_records=_MAX_RECORDS)
            if batches:
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._apply(connection, batches)
                self._wake.set()

    async def _apply(self, connection: Any, batches: dict[TopicPartition, list[Any]]) -> None:
        await self._move(connection, batches)
        batch = Batch()
        for records in batches.values():
            topic = logical(records[0], settings=self._settings)
            for record in records:
                batch.add(topic, record)
        await self._record_ids(connection, batch)
        partitions = await self._lock(connection, sorted(batch.accounts))
        await self._save_accounts(connection, batch)
        await self._save(connection, batch)
        await self._design.count(connection, batch)
        await self._append(connection, partitions, batch)

    async def _move(self, connection: Any, batches: dict[TopicPartition, list[Any]]) -> None:
        moves = []
        for tp, records in sorted(batches.items()):
            moves.append(
                (
                    logical(records[0], settings=self._settings),
                    tp.partition,
                    self._positions[tp],
                    records[-1].offset + 1,
                )
            )
            self._positions[tp] = records[-1].offset + 1
        await connection.execute(sql.MOVE_POSITIONS, *columns(moves))

    async def _record_ids(self, connection: Any, batch: Batch) -> None:
        await connection.fetch(self._design.record_event_ids, sorted(batch.keys))
        if orders := sorted((each.key.hex(), each.key) for each in self._design.orders(batch)):
            await connection.fetch(self._design.record_business_keys, *columns(orders))

    async def _lock(self, connection: Any, accounts: list[str]) -> dict[str, int]:
        partitions = dict(await connection.fetch(sql.LOCK_ACCOUNTS, accounts))
        missing = [account for account in accounts if account not in partitions]
        if missing:
            new = [(account, partition_of(account, self._settings.topic_partitions)) for account in missing]
            await connection.execute(sql.INSERT_ACCOUNTS, *columns(new))
            partitions |= dict(await connection.fetch(sql.LOCK_ACCOUNTS, missing))
        return partitions

    async def _save_accounts(self, connection: Any, batch: Batch) -> None:
        """Documents only where the service would write them anew."""
        contact, subscription = self._texts.contact, self._texts.subscription
        answered = {each.account for each in batch.answered}
        rows = [
            (account, contact if account in batch.customers else None, subscription if account in answered else None)
            for account in sorted(batch.accounts)
        ]
        await connection.execute(self._design.update_accounts, *columns(rows))

    async def _save(self, connection: Any, batch: Batch) -> None:
        texts = self._texts
        if batch.servers:
            await self._design.save_servers(connection, list(batch.servers))
        if orders := [(each.key.hex(), each.account) for each in self._design.orders(batch)]:
            await connection.execute(sql.INSERT_ORDERS, *columns(orders), texts.specification)

    async def _append(self, connection: Any, partitions: dict[str, int], batch: Batch) -> None:
        entries = [Entry(LIFECYCLE, partitions[each.account], each.account, self._lifecycle) for each in batch.answered]
        entries += self._design.state_entries(partitions)
        entries.sort(key=_partition)
        touched = [partition for partition, _ in groupby(entries, key=_partition)]
        rows = await connection.fetch(sql.LOCK_SEQUENCES, *columns(touched))
        sequences = {(topic, number): following for topic, number, following in rows}
        await connection.copy_records_to_table("log", records=list(_rows(entries, sequences)), columns=_LOG_COLUMNS)
        await connection.execute(
            sql.RAISE_SEQUENCES, *columns((*partition, sequences[partition]) for partition in touched)
        )

    async def _relay(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            transactional_id=f"{self._settings.topic_prefix}bare",
            compression_type=self._design.compression,
            max_request_size=16 * 1024 * 1024,
            max_batch_size=_BATCH_BYTES,
        )
        await producer.start()
        while True:
            self._wake.clear()
            async with self._pool.acquire() as connection:
                rows = await connection.fetch(sql.UNPUBLISHED, *self._published_columns())
            if rows:
                await self._publish(producer, rows)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 1)

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
        await producer.begin_transaction()
        sending = []
        for (topic, number), group in groupby(self._design.to_publish(rows), key=_partition):
            batch, own_headers = (
                producer.create_batch(),
                self._design.lifecycle_headers if topic == LIFECYCLE else NO_HEADERS,
            )
            for _, _, sequence, key, value in group:
                headers = [*own_headers, ("sequence", b"%d" % sequence)]
                record = {"key": key, "value": value, "timestamp": None, "headers": headers}
                if batch.append(**record) is None:
                    sending.append(await producer.send_batch(batch, name_of(topic, self._settings), partition=number))
                    batch = producer.create_batch()
                    batch.append(**record)
            sending.append(await producer.send_batch(batch, name_of(topic, self._settings), partition=number))
        await asyncio.gather(*sending)
        await producer.commit_transaction()
        self._published |= {_partition(row): row[2] for row in rows}
        async with self._pool.acquire() as connection:
            await connection.execute(sql.SAVE_PUBLISHED, *self._published_columns())
        await asyncio.sleep(_RELAY_PAUSE_SECONDS)

    def _published_columns(self) -> list[list[Any]]:
        return columns((*partition, sequence) for partition, sequence in self._published.items())


def _rows(entries: Iterable[Entry], sequences: dict[tuple[str, int], int]) -> Iterator[tuple[Any, ...]]:
    for topic, number, account, value, headers, taken in entries:
        sequence = sequences[topic, number] + taken - 1
        sequences[topic, number] = sequence + 1
        key = account.encode() if account else None
        if topic == LIFECYCLE and value is not None:
            yield topic, number, sequence, key, with_sequence(value, sequence), headers, account
        else:
            yield topic, number, sequence, key, value, headers, None


def _partition(row: Sequence[Any]) -> tuple[str, int]:
    return row[0], row[1]
