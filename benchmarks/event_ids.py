"""`python -m benchmarks ids`: the ids of events (R39) in one table, as they are, or in partitions by day of arrival.

One PostgreSQL holds the ids of 35 days in each way. A day's ids are added in batches, by each way in turns; then the
oldest day is forgotten. The unique key of a partitioned table has to contain what it is partitioned by, so there an id
is first looked for in every partition. The SQL of the first way is that of `subscription_service.storage.deduplication`
with a day in place of an instant: change both together.
"""

import argparse
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import asyncpg

from benchmarks.machine import described, machine
from benchmarks.resource_usage import ResourceUsage, cpu_seconds, wal_bytes
from benchmarks.standalone import run_standalone
from tenure.local.postgres import Postgres

RESULTS: Final = Path("build/ids.json")
_DAYS: Final = 35
_BATCH: Final = 1000
_STEP: Final = 20_000
"""Rows that housekeeping deletes at once."""

_KEY: Final = "decode(md5(number::text), 'hex')"
_GIVEN: Final = f"given AS MATERIALIZED (SELECT {_KEY} AS key FROM generate_series($1::bigint, $2::bigint) AS number)"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to keep ids, in SQL.

    make: its tables. fill: a day of ids; takes the day, the first and the last number. add: a batch, as the service
    does it; takes the first and the last number and the day, and gives the ids that were there. forget: day 0.
    """

    make: Sequence[str]
    fill: str
    add: str
    forget: Callable[[asyncpg.Connection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Session:
    """A connection, and the way that it works by."""

    connection: asyncpg.Connection
    way: Way

    async def spends(self, work: Awaitable[object]) -> ResourceUsage:
        """What the server's process of this session spends on it."""
        pid = self.connection.get_server_pid()
        wal, cpu, began = await wal_bytes(self.connection), cpu_seconds(pid), time.perf_counter()
        await work
        seconds, cpu = time.perf_counter() - began, cpu_seconds(pid) - cpu
        return ResourceUsage(seconds, cpu, await wal_bytes(self.connection) - wal)

    async def add(self, first: int) -> None:
        """Add a batch of ids that are all new."""
        duplicates = await self.connection.fetch(self.way.add, first, first + _BATCH - 1, _DAYS)
        if duplicates:
            raise RuntimeError(f"{len(duplicates)} new ids were taken for duplicates")


async def _delete(connection: asyncpg.Connection) -> None:
    deleted = _STEP
    while deleted == _STEP:
        deleted = await connection.fetchval(
            "WITH gone AS (DELETE FROM whole WHERE ctid = ANY(ARRAY(SELECT ctid FROM whole WHERE day = 0 LIMIT $1))"
            " RETURNING 1) SELECT count(*) FROM gone",
            _STEP,
        )
    await connection.execute("VACUUM whole")


async def _drop(connection: asyncpg.Connection) -> None:
    await connection.execute("DROP TABLE parted_0")


WAYS: Final[Mapping[str, Way]] = {
    "one table": Way(
        make=(
            "CREATE TABLE whole (key bytea PRIMARY KEY, day integer NOT NULL)",
            "CREATE INDEX ON whole USING brin (day)",
        ),
        fill=f"INSERT INTO whole SELECT {_KEY}, $1 FROM generate_series($2::bigint, $3::bigint) AS number",
        add=f"WITH {_GIVEN}, known AS MATERIALIZED (SELECT key FROM given JOIN whole USING (key)),"
        " added AS (INSERT INTO whole SELECT key, $3 FROM given WHERE key NOT IN (SELECT key FROM known))"
        " SELECT key FROM known",
        forget=_delete,
    ),
    "a partition per day": Way(
        make=(
            "CREATE TABLE parted (key bytea, day integer, PRIMARY KEY (key, day)) PARTITION BY RANGE (day)",
            *(
                f"CREATE TABLE parted_{day} PARTITION OF parted FOR VALUES FROM ({day}) TO ({day + 1})"
                for day in range(_DAYS + 1)
            ),
        ),
        fill=f"INSERT INTO parted SELECT {_KEY}, $1 FROM generate_series($2::bigint, $3::bigint) AS number",
        add=f"WITH {_GIVEN}, known AS MATERIALIZED (SELECT given.key FROM given CROSS JOIN LATERAL"
        " (SELECT true FROM parted WHERE parted.key = given.key LIMIT 1) AS old),"
        " added AS (INSERT INTO parted SELECT key, $3 FROM given WHERE key NOT IN (SELECT key FROM known))"
        " SELECT key FROM known",
        forget=_drop,
    ),
}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks ids", description=__doc__)
    parser.add_argument("--per-day", type=int, default=100_000, help="ids of one day")
    options = parser.parse_args(arguments)
    return run_standalone(partial(_measure, per_day=options.per_day), results=RESULTS, tell=_tell)


async def _measure(folder: Path, *, per_day: int) -> dict[str, Any]:
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    try:
        sessions = {name: await _filled(postgres.url_of("postgres"), way, per_day) for name, way in WAYS.items()}
        added = await _add_a_day(sessions, per_day)
        forgotten = {name: [await each.spends(each.way.forget(each.connection))] for name, each in sessions.items()}
    finally:
        await postgres.kill()
    return {
        "machine": machine(),
        "ids": _DAYS * per_day,
        "per_id_added": {name: _per_id(spent, per_day) for name, spent in added.items()},
        "per_id_forgotten": {name: _per_id(spent, per_day) for name, spent in forgotten.items()},
    }


async def _filled(url: str, way: Way, per_day: int) -> Session:
    connection = await asyncpg.connect(url)
    for statement in way.make:
        await connection.execute(statement)
    for day in range(_DAYS):
        await connection.execute(way.fill, day, day * per_day, (day + 1) * per_day - 1)
    await connection.execute("VACUUM ANALYZE")
    return Session(connection, way)


async def _add_a_day(sessions: Mapping[str, Session], per_day: int) -> dict[str, list[ResourceUsage]]:
    """In batches of ids that are all new, as nearly all are, right after a checkpoint."""
    spent: dict[str, list[ResourceUsage]] = {name: [] for name in sessions}
    for session in sessions.values():
        await session.connection.execute("CHECKPOINT")
    for first in range(_DAYS * per_day, (_DAYS + 1) * per_day, _BATCH):
        for name, session in sessions.items():
            spent[name].append(await session.spends(session.add(first)))
    return spent


def _per_id(spent: Sequence[ResourceUsage], count: int) -> Mapping[str, float]:
    """Microseconds and bytes."""
    return {
        "cpu_us": sum(each.cpu_seconds for each in spent) * 1e6 / count,
        "clock_us": sum(each.seconds for each in spent) * 1e6 / count,
        "wal_bytes": sum(each.wal_bytes for each in spent) / count,
    }


def _tell(found: Mapping[str, Any]) -> None:
    print(f"{described(found['machine'])} Load average {found['machine']['load']}.")
    print(f"{found['ids']:,} ids are kept")
    for what in ("per_id_added", "per_id_forgotten"):
        for name, each in found[what].items():
            print(
                f"{what.replace('_', ' ')}, {name}: {each['cpu_us']:.1f} us of the server's processor,"
                f" {each['clock_us']:.1f} us on the clock, {each['wal_bytes']:,.0f} bytes of WAL"
            )
