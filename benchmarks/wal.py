"""`python -m benchmarks wal`: what an event writes to PostgreSQL's log, by table and index.

One process beside a PostgreSQL, without Kafka: existing customers, a checkpoint, then mixed events in batches as the
reader takes them. What they have written is read with PostgreSQL's `pg_waldump`. Page images, which the first change
of each page after a checkpoint writes, are told apart. Bytes hardly depend on the machine.
"""

import argparse
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import asyncpg

from benchmarks.deciding import Deciding, deciding, default_rules, migrated, record_of
from benchmarks.machine import described, machine
from benchmarks.standalone import run_standalone
from benchmarks.workload import Message, Workload
from shared.kafka.reader import MAX_RECORDS
from shared.kafka.record import DecodedRecord
from shared.storage.database import Engine, transaction
from shared.testclock.clock import SystemClock
from tenure.local.postgres import Postgres

RESULTS: Final = Path("build/wal.json")
_BEGIN: Final = ("TRUNCATE event_claim, log, waiting", "VACUUM ANALYZE", "CHECKPOINT")
_PLACE: Final = "SELECT CAST(pg_current_wal_insert_lsn() AS text)"
_NAMES: Final = "SELECT CAST(pg_relation_filenode(oid) AS text), relname FROM pg_class WHERE relkind IN ('r', 'i', 't')"
_RECORD: Final = re.compile(r"len \(rec/tot\):\s*(\d+)/\s*(\d+),(?:.*?rel \d+/\d+/(\d+))?")
_LEAST: Final = 1
"""Bytes per event of what is shown by itself."""


class Written(NamedTuple):
    """Bytes in records, and in images of whole pages."""

    records: int
    images: int


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks wal", description=__doc__)
    parser.add_argument("--events", type=int, default=40_000, help="mixed events, over half as many accounts")
    options = parser.parse_args(arguments)
    return run_standalone(partial(_measure, events=options.events), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, events: int) -> dict[str, Any]:
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    try:
        url = postgres.url_of("postgres")
        engine = await migrated(url)
        written = await _written(postgres, engine, url, Workload(events, datetime.now(UTC)))
        await engine.dispose()
    finally:
        await postgres.kill()
    return {"machine": machine(), "events": events, "written": {name: one._asdict() for name, one in written.items()}}


async def _written(postgres: Postgres, engine: Engine, url: str, work: Workload) -> Mapping[str, Written]:
    decide = deciding(engine, default_rules(), SystemClock())
    await _apply(engine, decide, work.existing_customers())
    connection = await asyncpg.connect(url, server_settings={"search_path": "subscription"})
    for statement in _BEGIN:
        await connection.execute(statement)
    begin = await connection.fetchval(_PLACE)
    await _apply(engine, decide, work.mixed())
    end, names = await connection.fetchval(_PLACE), dict(await connection.fetch(_NAMES))
    await connection.close()
    return _by_relation(_dump(postgres, begin, end), names)


async def _apply(engine: Engine, decide: Deciding, messages: Iterable[Message]) -> None:
    left = iter(messages)
    while batch := [record_of(message) for message in islice(left, MAX_RECORDS)]:
        decoded = [DecodedRecord(record, decide.processor.decode(record)) for record in batch]
        async with transaction(engine) as connection:
            await decide.processor.apply(connection, decoded)


def _dump(postgres: Postgres, begin: str, end: str) -> Iterator[str]:
    """A line for each record."""
    command = Path(postgres.command()[0]).with_name("pg_waldump")
    log = next(postgres.folder.rglob("pg_wal"))
    done = subprocess.run([command, "-p", log, "-s", begin, "-e", end], capture_output=True, text=True, check=True)
    yield from done.stdout.splitlines()


def _by_relation(lines: Iterable[str], names: Mapping[str, str]) -> Mapping[str, Written]:
    """Table or index -> what was written for it; what belongs to none is `other`."""
    records, images = Counter[str](), Counter[str]()
    for line in lines:
        if found := _RECORD.search(line):
            name = names.get(found[3], "other")
            records[name] += int(found[1])
            images[name] += int(found[2]) - int(found[1])
    order = sorted(records, key=lambda name: -records[name] - images[name])
    return {name: Written(records[name], images[name]) for name in order}


def _tell(found: Mapping[str, Any]) -> None:
    events, written = found["events"], {name: Written(**one) for name, one in found["written"].items()}
    print(described(found["machine"]))
    print(f"| bytes of WAL per event, of {events:,} | records | page images |\n|---|---|---|")
    everything = Written(*map(sum, zip(*written.values(), strict=True)))
    for name, one in {**written, "**all**": everything}.items():
        if sum(one) >= _LEAST * events:
            print(f"| {name} | {one.records / events:,.0f} | {one.images / events:,.0f} |")
