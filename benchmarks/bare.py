"""The bare pipeline: the writes of the subscription service without its logic, as fast as this stack goes in Python.

Raw batches of up to 2,000 -> one transaction each (positions, ids, servers, accounts, orders, log) -> relay.
It works in the service's own tables and on the same customers. Nothing is decoded, checked or decided: an account's new
row, the lifecycle event of each order and the state document of each account and batch are fixed texts, as long as the
service's typical ones (`TypicalTexts`). `python -m benchmarks.bare TEXTS`, with a service's environment.
"""

import asyncio
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from benchmarks import bare_sql as sql
from benchmarks.servers import INPUTS, OUTPUTS
from shared.contracts.topics import LIFECYCLE, PURCHASES, SERVER_INVENTORY, STATE
from shared.kafka.partitioning import partition_of
from shared.kafka.topics import logical, name_of
from shared.runtime.settings import Settings, load

_MAX_RECORDS: Final = 2000
_RELAY_PAUSE_SECONDS: Final = 0.01
_BATCH_BYTES: Final = 512 * 1024
_LOG_COLUMNS: Final = ("topic", "partition", "sequence", "key", "value", "headers", "account_id")


@dataclass(frozen=True, slots=True)
class TypicalTexts:
    """Texts of typical length, which the service wrote for one of its customers."""

    lifecycle: str
    state: str
    subscription: str
    contact: str
    server_versions: str
    specification: str

    @classmethod
    def read(cls, file: Path) -> "TypicalTexts":
        """From a file that `write` has written."""
        return cls(**orjson.loads(file.read_bytes()))

    def write(self, file: Path) -> None:
        """As JSON."""
        file.write_bytes(orjson.dumps(self))


class BarePipeline:
    """One consumer and one relay in one process."""

    def __init__(self, settings: Settings, texts: TypicalTexts, pool: asyncpg.Pool) -> None:
        self._settings = settings
        self._texts = texts
        self._pool = pool
        self._lifecycle = texts.lifecycle.encode()
        self._state = texts.state.encode()
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
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(sql.INSERT_PARTITIONS, *_columns(outputs))
            await connection.execute(sql.INSERT_RELAY_POSITIONS)
            await connection.execute(sql.INSERT_POSITIONS, *_columns((topic, number, 0) for topic, number in inputs))

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            batches = await consumer.getmany(timeout_ms=10, max_records=_MAX_RECORDS)
            if batches:
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._apply(connection, batches)
                self._wake.set()

    async def _apply(self, connection: Any, batches: dict[TopicPartition, list[Any]]) -> None:
        await self._move(connection, batches)
        orders: list[tuple[bytes, str]] = []
        servers: dict[tuple[str, str], None] = {}
        accounts, customers, keys = set(), set(), []
        for records in batches.values():
            topic = logical(records[0], settings=self._settings)
            for record in records:
                key = blake2b(record.value, digest_size=16).digest()
                account = record.key.decode()
                keys.append(key)
                accounts.add(account)
                if topic == SERVER_INVENTORY:
                    servers[account, _server_of(record.value)] = None
                else:
                    orders.append((key, account))
                if topic == PURCHASES:
                    customers.add(account)
        await self._record_ids(connection, keys, orders)
        partitions = await self._lock(connection, sorted(accounts))
        await self._save_accounts(connection, sorted(accounts), customers, {account for _, account in orders})
        await self._save(connection, list(servers), orders)
        await self._append(connection, partitions, orders)

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
        await connection.execute(sql.MOVE_POSITIONS, *_columns(moves))

    async def _record_ids(self, connection: Any, keys: list[bytes], orders: Sequence[tuple[bytes, str]]) -> None:
        await connection.fetch(sql.RECORD_EVENT_IDS, sorted(keys))
        if orders:
            await connection.fetch(sql.RECORD_BUSINESS_KEYS, *_columns(sorted((key.hex(), key) for key, _ in orders)))

    async def _lock(self, connection: Any, accounts: list[str]) -> dict[str, int]:
        partitions = dict(await connection.fetch(sql.LOCK_ACCOUNTS, accounts))
        missing = [account for account in accounts if account not in partitions]
        if missing:
            new = [(account, partition_of(account, self._settings.topic_partitions)) for account in missing]
            await connection.execute(sql.INSERT_ACCOUNTS, *_columns(new))
            partitions |= dict(await connection.fetch(sql.LOCK_ACCOUNTS, missing))
        return partitions

    async def _save_accounts(
        self, connection: Any, accounts: list[str], customers: set[str], ordering: set[str]
    ) -> None:
        """Documents only where the service would write them anew."""
        contact, subscription = self._texts.contact, self._texts.subscription
        rows = [
            (account, contact if account in customers else None, subscription if account in ordering else None)
            for account in accounts
        ]
        await connection.execute(sql.UPDATE_ACCOUNTS, *_columns(rows))

    async def _save(self, connection: Any, servers: list[tuple[str, str]], orders: list[tuple[bytes, str]]) -> None:
        texts = self._texts
        if servers:
            await connection.execute(sql.UPSERT_SERVERS, *_columns(servers), texts.server_versions)
        if orders:
            rows = [(key.hex(), account) for key, account in orders]
            await connection.execute(sql.INSERT_ORDERS, *_columns(rows), texts.specification)

    async def _append(self, connection: Any, partitions: dict[str, int], orders: list[tuple[bytes, str]]) -> None:
        entries = [(LIFECYCLE, partitions[account], account, self._lifecycle) for _, account in orders]
        entries += [(STATE, partition, account, self._state) for account, partition in partitions.items()]
        entries.sort(key=_partition)
        touched = [partition for partition, _ in groupby(entries, key=_partition)]
        rows = await connection.fetch(sql.LOCK_SEQUENCES, *_columns(touched))
        sequences = {(topic, number): following for topic, number, following in rows}
        await connection.copy_records_to_table("log", records=list(_rows(entries, sequences)), columns=_LOG_COLUMNS)
        await connection.execute(
            sql.RAISE_SEQUENCES, *_columns((*partition, sequences[partition]) for partition in touched)
        )

    async def _relay(self) -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers,
            transactional_id=f"{self._settings.topic_prefix}bare",
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
        for (topic, number), group in groupby(rows, key=_partition):
            batch = producer.create_batch()
            for _, _, sequence, key, value in group:
                record = {"key": key, "value": value, "timestamp": None, "headers": [("sequence", b"%d" % sequence)]}
                if batch.append(**record) is None:
                    sending.append(await producer.send_batch(batch, name_of(topic, self._settings), partition=number))
                    batch = producer.create_batch()
                    batch.append(**record)
                self._published[topic, number] = sequence
            sending.append(await producer.send_batch(batch, name_of(topic, self._settings), partition=number))
        await asyncio.gather(*sending)
        await producer.commit_transaction()
        async with self._pool.acquire() as connection:
            await connection.execute(
                sql.SAVE_PUBLISHED, *_columns((*partition, done) for partition, done in self._published.items())
            )
        await asyncio.sleep(_RELAY_PAUSE_SECONDS)

    def _published_columns(self) -> list[list[Any]]:
        return _columns((*partition, sequence) for partition, sequence in self._published.items())


def _rows(
    entries: Iterable[tuple[str, int, str, bytes]], sequences: dict[tuple[str, int], int]
) -> Iterable[tuple[Any, ...]]:
    for topic, number, account, value in entries:
        sequence = sequences[topic, number]
        sequences[topic, number] = sequence + 1
        whole = value[:-1] + b',"sequence":%d}' % sequence if topic == LIFECYCLE else value
        yield topic, number, sequence, account.encode(), whole, None, account if topic == LIFECYCLE else None


def _partition(row: Sequence[Any]) -> tuple[str, int]:
    return row[0], row[1]


def _server_of(value: bytes) -> str:
    start = value.index(b'"server_id":"') + 13
    return value[start : value.index(b'"', start)].decode()


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _main() -> None:
    settings = load()
    url = settings.database_url.get_secret_value()
    texts = TypicalTexts.read(Path(sys.argv[1]))
    async with asyncpg.create_pool(url, min_size=2, server_settings={"search_path": "subscription"}) as pool:
        await BarePipeline(settings, texts, pool).run()


if __name__ == "__main__":
    uvloop.run(_main())
