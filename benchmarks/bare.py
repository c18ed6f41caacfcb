"""The bare pipeline: the writes of the subscription service without its logic, as fast as this stack goes in Python.

Raw batches of up to 2,000 -> one transaction each (positions, ids, servers, accounts, orders, log) -> relay.
It works in the service's own tables and on the same customers. Nothing is decoded, checked or decided: an account's new
row, the lifecycle event of each order and the state document of each account and batch are fillers that have the
length of a typical one of the service's (`Fillers`). `python -m benchmarks.bare FILLERS`, with a service's environment.
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

from benchmarks.environment import INPUTS, OUTPUTS
from shared.contracts.topics import LIFECYCLE, PURCHASES, SERVER_INVENTORY, STATE
from shared.kafka.partitioning import partition_of
from shared.kafka.topics import logical, name_of
from shared.runtime.settings import Settings, load

_MAX_RECORDS: Final = 2000
_PACE_SECONDS: Final = 0.01
_BATCH_BYTES: Final = 512 * 1024
_LOG_COLUMNS: Final = ("topic", "partition", "sequence", "key", "value", "headers", "account_id")

_BEGIN = """
INSERT INTO input_offset SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])"""
_PARTITIONS = """
INSERT INTO output_partition (topic, partition) SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING"""
_RELAY = "INSERT INTO relay_position (topic, partition) SELECT topic, partition FROM output_partition"
_MOVE = """
UPDATE input_offset o SET next_offset = n.next FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[])
 AS n (topic, partition, expected, next)
 WHERE o.topic = n.topic AND o.partition = n.partition AND o.next_offset = n.expected"""
_EVENTS = "INSERT INTO event_claim (key) SELECT * FROM unnest($1::bytea[]) ON CONFLICT DO NOTHING RETURNING key"
_IDS = """
INSERT INTO id_claim SELECT 'order', * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING RETURNING id"""
_LOCK = "SELECT account_id, partition FROM account WHERE account_id = ANY($1::text[]) ORDER BY account_id FOR UPDATE"
_MAKE = "INSERT INTO account (account_id, partition) SELECT * FROM unnest($1::text[], $2::int[]) ON CONFLICT DO NOTHING"
_ACCOUNTS = """
UPDATE account a SET version = a.version + 1, decided_at = now(), contact = coalesce(n.contact::json, a.contact),
 subscription = coalesce(n.subscription::json, a.subscription), balance = 0, registered_servers = 1,
 registered_cores = 4, bound_servers = 0, bound_cores = 0, revision = a.revision + 1, changed_at = now(),
 next_due_at = now() + interval '30 days', next_timer = 'expiry', waiting = 0
 FROM unnest($1::text[], $2::text[], $3::text[]) AS n (account_id, contact, subscription)
 WHERE a.account_id = n.account_id"""
_SERVERS = """
INSERT INTO server SELECT *, true, 4, false, $3::text FROM unnest($1::text[], $2::text[])
 ON CONFLICT (account_id, server_id) DO UPDATE SET present = excluded.present, cores = excluded.cores,
 bound = excluded.bound, marks = excluded.marks"""
_ORDERS = """
INSERT INTO order_entry SELECT order_id, account_id, 'renewal', now(), now(), now(), 1, $3::jsonb, 9.50, false,
 '2026-11' FROM unnest($1::text[], $2::text[]) AS n (order_id, account_id) ON CONFLICT DO NOTHING"""
_SEQUENCES = """
SELECT topic, partition, next_sequence FROM output_partition
 WHERE (topic, partition) IN (SELECT * FROM unnest($1::text[], $2::int[])) ORDER BY topic, partition FOR UPDATE"""
_RAISE = """
UPDATE output_partition o SET next_sequence = n.next FROM unnest($1::text[], $2::int[], $3::bigint[])
 AS n (topic, partition, next) WHERE o.topic = n.topic AND o.partition = n.partition"""
_UNPUBLISHED = """
SELECT log.* FROM unnest($1::text[], $2::int[], $3::bigint[]) AS done (topic, partition, sequence)
 CROSS JOIN LATERAL (SELECT topic, partition, sequence, key, value FROM log WHERE log.topic = done.topic
  AND log.partition = done.partition AND log.sequence > done.sequence ORDER BY log.sequence LIMIT 4000) AS log"""
_KEEP = """
UPDATE relay_position r SET published = n.published FROM unnest($1::text[], $2::int[], $3::bigint[])
 AS n (topic, partition, published) WHERE r.topic = n.topic AND r.partition = n.partition"""


@dataclass(frozen=True, slots=True)
class Fillers:
    """Texts of typical length: what the service wrote for one of its customers."""

    lifecycle: str
    state: str
    subscription: str
    contact: str
    marks: str
    specification: str

    @classmethod
    def read(cls, file: Path) -> "Fillers":
        return cls(**orjson.loads(file.read_bytes()))

    def write(self, file: Path) -> None:
        file.write_bytes(orjson.dumps(self))


class Bare:
    """One consumer and one relay in one process."""

    def __init__(self, settings: Settings, fillers: Fillers, pool: asyncpg.Pool) -> None:
        self._settings = settings
        self._fillers = fillers
        self._pool = pool
        self._lifecycle = fillers.lifecycle.encode()
        self._state = fillers.state.encode()
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
        await self._begin(consumer)
        await asyncio.gather(self._consume(consumer), self._relay())

    async def _begin(self, consumer: AIOKafkaConsumer) -> None:
        topics = {topic: name_of(topic, self._settings) for topic in INPUTS}
        numbers = range(self._settings.topic_partitions)
        inputs = [(topic, number) for topic in INPUTS for number in numbers]
        outputs = [(topic, number) for topic in OUTPUTS for number in numbers]
        consumer.assign([TopicPartition(topics[topic], number) for topic, number in inputs])
        self._positions = {TopicPartition(topics[topic], number): 0 for topic, number in inputs}
        self._published = dict.fromkeys(outputs, 0)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_PARTITIONS, *_columns(outputs))
            await connection.execute(_RELAY)
            await connection.execute(_BEGIN, *_columns((topic, number, 0) for topic, number in inputs))

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        while True:
            polled = await consumer.getmany(timeout_ms=10, max_records=_MAX_RECORDS)
            if polled:
                async with self._pool.acquire() as connection, connection.transaction():
                    await self._take(connection, polled)
                self._wake.set()

    async def _take(self, connection: Any, polled: dict[TopicPartition, list[Any]]) -> None:
        await self._move(connection, polled)
        orders: list[tuple[bytes, str]] = []
        servers: dict[tuple[str, str], None] = {}
        accounts, customers, keys = set(), set(), []
        for records in polled.values():
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
        await self._claim(connection, keys, orders)
        places = await self._lock(connection, sorted(accounts))
        await self._save_accounts(connection, sorted(accounts), customers, {account for _, account in orders})
        await self._save(connection, list(servers), orders)
        await self._append(connection, places, orders)

    async def _move(self, connection: Any, polled: dict[TopicPartition, list[Any]]) -> None:
        moves = []
        for tp, records in sorted(polled.items()):
            moves.append(
                (
                    logical(records[0], settings=self._settings),
                    tp.partition,
                    self._positions[tp],
                    records[-1].offset + 1,
                )
            )
            self._positions[tp] = records[-1].offset + 1
        await connection.execute(_MOVE, *_columns(moves))

    async def _claim(self, connection: Any, keys: list[bytes], orders: Sequence[tuple[bytes, str]]) -> None:
        await connection.fetch(_EVENTS, sorted(keys))
        if orders:
            await connection.fetch(_IDS, *_columns(sorted((key.hex(), key) for key, _ in orders)))

    async def _lock(self, connection: Any, accounts: list[str]) -> dict[str, int]:
        places = dict(await connection.fetch(_LOCK, accounts))
        missing = [account for account in accounts if account not in places]
        if missing:
            made = [(account, partition_of(account, self._settings.topic_partitions)) for account in missing]
            await connection.execute(_MAKE, *_columns(made))
            places |= dict(await connection.fetch(_LOCK, missing))
        return places

    async def _save_accounts(
        self, connection: Any, accounts: list[str], customers: set[str], ordering: set[str]
    ) -> None:
        """Documents only where the service would write them anew."""
        contact, subscription = self._fillers.contact, self._fillers.subscription
        rows = [
            (account, contact if account in customers else None, subscription if account in ordering else None)
            for account in accounts
        ]
        await connection.execute(_ACCOUNTS, *_columns(rows))

    async def _save(self, connection: Any, servers: list[tuple[str, str]], orders: list[tuple[bytes, str]]) -> None:
        texts = self._fillers
        if servers:
            await connection.execute(_SERVERS, *_columns(servers), texts.marks)
        if orders:
            rows = [(key.hex(), account) for key, account in orders]
            await connection.execute(_ORDERS, *_columns(rows), texts.specification)

    async def _append(self, connection: Any, places: dict[str, int], orders: list[tuple[bytes, str]]) -> None:
        said = [(LIFECYCLE, places[account], account, self._lifecycle) for _, account in orders]
        said += [(STATE, place, account, self._state) for account, place in places.items()]
        said.sort(key=_place)
        touched = [place for place, _ in groupby(said, key=_place)]
        rows = await connection.fetch(_SEQUENCES, *_columns(touched))
        sequences = {(topic, number): following for topic, number, following in rows}
        await connection.copy_records_to_table("log", records=list(_rows(said, sequences)), columns=_LOG_COLUMNS)
        await connection.execute(_RAISE, *_columns((*place, sequences[place]) for place in touched))

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
                rows = await connection.fetch(
                    _UNPUBLISHED, *_columns((*place, done) for place, done in self._published.items())
                )
            if rows:
                await self._publish(producer, rows)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), 1)

    async def _publish(self, producer: AIOKafkaProducer, rows: Sequence[Any]) -> None:
        await producer.begin_transaction()
        sending = []
        for (topic, number), group in groupby(rows, key=_place):
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
            await connection.execute(_KEEP, *_columns((*place, done) for place, done in self._published.items()))
        await asyncio.sleep(_PACE_SECONDS)


def _rows(
    said: Iterable[tuple[str, int, str, bytes]], sequences: dict[tuple[str, int], int]
) -> Iterable[tuple[Any, ...]]:
    for topic, number, account, value in said:
        sequence = sequences[topic, number]
        sequences[topic, number] = sequence + 1
        whole = value[:-1] + b',"sequence":%d}' % sequence if topic == LIFECYCLE else value
        yield topic, number, sequence, account.encode(), whole, None, account if topic == LIFECYCLE else None


def _place(row: Sequence[Any]) -> tuple[str, int]:
    return row[0], row[1]


def _server_of(value: bytes) -> str:
    start = value.index(b'"server_id":"') + 13
    return value[start : value.index(b'"', start)].decode()


def _columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


async def _main() -> None:
    settings = load()
    url = settings.database_url.get_secret_value()
    fillers = Fillers.read(Path(sys.argv[1]))
    async with asyncpg.create_pool(url, min_size=2, server_settings={"search_path": "subscription"}) as pool:
        await Bare(settings, fillers, pool).run()


if __name__ == "__main__":
    uvloop.run(_main())
