"""The forecast of all accounts, worked out by processes of their own: `python -m subscription_service.forecasting`.

Many accounts are minutes of computing, so it is done beside the service and at the lowest priority: no decision waits
for it. Each process takes its share of the accounts on which something is due, in chunks: a chunk is read in a short
transaction that locks nothing, then run ahead in memory. The job comes as a pickle on stdin, from the service, and what
was found goes as one to stdout; a process ends when the service has gone.
"""

import asyncio
import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from shared.runtime.garbage import collect_garbage_seldom
from shared.storage.database import Engine, connect, snapshot
from subscription_service.domain.forecast import Forecast, ForecastDay
from subscription_service.domain.policy import Rules
from subscription_service.storage import due_accounts, loading

PROCESSES: Final = min(4, os.cpu_count() or 1)
"""One for each processor: at the lowest priority they take only what nothing else wants."""
_LOWEST_PRIORITY: Final = 19
_PER_CHUNK: Final = 1_000
_STATEMENT_SECONDS: Final = 60.0


class Job(NamedTuple):
    """What one process works out: share `share_number` (from 0) of `shares`. `now`: the service clock (UTC).

    `parent`: process id of the service.
    """

    url: str
    schema: str
    rules: Rules
    now: datetime
    days: int
    named: int
    share_number: int
    shares: int
    parent: int


class Share(NamedTuple):
    """What one process has found. `left_out`: how many accounts could not be run ahead, by a fault of ours."""

    days: Sequence[ForecastDay]
    accounts: int
    left_out: int


class ForecastFailed(Exception):
    """A process ended without a result; the message is the last line of what it said."""


async def forecast(job: Job) -> tuple[Forecast, int]:
    """All shares of the job at once, added up, and how many accounts were left out.

    Raises `ForecastFailed`. Cancelled, it ends the processes.
    """
    found = Forecast(job.days, now=job.now, rules=job.rules, named=job.named)
    children = [_start() for _ in range(job.shares)]
    try:
        answers = await asyncio.gather(
            *(asyncio.to_thread(_ask, child, job._replace(share_number=n)) for n, child in enumerate(children))
        )
    finally:
        for child in children:
            child.kill()
    for share in answers:
        found.accounts += share.accounts
        found.merge(share.days)
    found.finish()
    return found, sum(share.left_out for share in answers)


async def share_of(engine: Engine, job: Job) -> Share:
    """Run the accounts of one share ahead. Raises `Transient`."""
    found = Forecast(job.days, now=job.now, rules=job.rules, named=job.named)
    left_out = 0
    async with snapshot(engine) as connection:
        ids = await due_accounts.due_before(connection, found.until, share=job.share_number, shares=job.shares)
    for first in range(0, len(ids), _PER_CHUNK):
        chunk = ids[first : first + _PER_CHUNK]
        async with snapshot(engine) as connection:
            zone = job.rules.policy.billing_zone
            accounts = await loading.to_run_ahead(connection, chunk, found.until, zone)
        for account in accounts:
            try:
                found.add(account)
            except Exception:  # noqa: BLE001 - an account whose timers fail is set aside by the service, too
                left_out += 1
        if job.parent and os.getppid() != job.parent:
            sys.exit(1)
    found.finish()
    return Share(found.days, found.accounts, left_out)


def _start() -> "subprocess.Popen[bytes]":
    # -P: the current folder must not hide what is installed.
    command = [sys.executable, "-P", "-m", "subscription_service.forecasting"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def _ask(child: "subprocess.Popen[bytes]", job: Job) -> Share:
    out, err = child.communicate(pickle.dumps(job))
    if child.returncode:
        lines = err.decode(errors="replace").strip().splitlines()
        raise ForecastFailed(lines[-1] if lines else f"exit code {child.returncode}")
    return Share(*pickle.loads(out))  # noqa: S301 - our own process wrote it


async def _main(job: Job) -> Share:
    engine = connect(job.url, job.schema, pool_size=1, statement_seconds=_STATEMENT_SECONDS)
    try:
        return await share_of(engine, job)
    finally:
        await engine.dispose()


if __name__ == "__main__":
    os.nice(_LOWEST_PRIORITY)
    collect_garbage_seldom()
    received: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 - the service wrote it
    sys.stdout.buffer.write(pickle.dumps(tuple(asyncio.run(_main(received)))))
