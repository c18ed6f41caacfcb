"""Makes the cache with which Kafka starts in half the time (`java`), by a Kafka that runs for that only.

`python -m tenure.local.start_cache` takes some 20 s of the processor, once for a machine; each start with the cache
takes 2.5 s less. `make test` runs it first.
"""

import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tenure.local import java
from tenure.local.jars import class_path
from tenure.local.kafka import Kafka
from tenure.local.part import PartFailed

_TOPIC: Final = "warm-up"


class _RecordedKafka(Kafka):
    """Writes the cache when it ends, which takes a while."""

    stop_within_seconds = 120

    @property
    def cache(self) -> Path:
        """What it writes."""
        return self.folder / "kafka.aot"

    def command(self) -> Sequence[str]:
        return java.recording(super().command(), self.cache)


async def make() -> Path:
    """The cache for the Kafka of the lock, made where it is missing. Raises `PartFailed`."""
    cache = java.cache_file(await class_path(print))
    if not cache.exists():
        print("Preparing faster starts of Kafka (once) ...", flush=True)
        cache.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache.parent) as folder:
            (await _record(Path(folder))).replace(cache)
        for outdated in {*cache.parent.glob("*.aot")} - {cache}:
            outdated.unlink(missing_ok=True)
    return cache


async def _record(folder: Path) -> Path:
    kafka = _RecordedKafka(folder / "kafka")
    try:
        await kafka.start()
        await _use(kafka.bootstrap)
        await kafka.stop()
    finally:
        await kafka.kill()
    return kafka.cache


async def _use(bootstrap: str) -> None:
    """What the services do with it: a transaction, and a consumer group that reads what was committed."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a new broker has no coordinator at the first question
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=_TOPIC)
    async with producer, producer.transaction():
        await producer.send_and_wait(_TOPIC, b"a record")
    async with AIOKafkaConsumer(
        _TOPIC, bootstrap_servers=bootstrap, group_id=_TOPIC,
        isolation_level="read_committed", auto_offset_reset="earliest",
    ) as consumer:  # fmt: skip
        await consumer.getone()


def main() -> None:
    """What this module is as a program."""
    try:
        asyncio.run(make())
    except (PartFailed, OSError) as failed:
        sys.exit(f"no cache for Kafka's starts: {failed}")


if __name__ == "__main__":
    main()
