"""What a pipeline has spent: processor time and memory of its process, bytes in PostgreSQL and Kafka."""

import re
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil

from tenure.local.part import Part

_WAL = "SELECT pg_current_wal_lsn() - '0/0'"


class ResourceUsage(NamedTuple):
    """Between the first read and the last record out; 0 for what was not measured.

    `seconds`: on the clock. `cpu_seconds`: of the process, user and system. `wal_bytes`: by which PostgreSQL's log
    grew. `kafka_bytes`: of the output topics, as the broker stores them. `peak_bytes`: most resident memory of the
    process since its start.
    """

    seconds: float
    cpu_seconds: float = 0.0
    wal_bytes: int = 0
    kafka_bytes: int = 0
    peak_bytes: int = 0


def cpu_seconds(pid: int | None) -> float:
    """Of this process since its start, user and system; None for our own."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


async def wal_bytes(connection: asyncpg.Connection) -> int:
    """Bytes that PostgreSQL has written to its log, for all of its databases."""
    return int(await connection.fetchval(_WAL))


def peak_bytes(part: Part) -> int:
    """The most memory that the process ever had; 0 where the system does not tell."""
    status = Path(f"/proc/{part.pid}/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) * 1024 if found else 0
