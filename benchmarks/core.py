"""`python -m benchmarks core`: the processor time of the subscription service's own code, step by step.

One process beside a PostgreSQL, without Kafka: the forecast of a firm; then mixed events, and imports with their
servers and balances, in batches as the reader takes them. Only the time of this process counts, which other work on
the machine lengthens much less than that on the clock; still, compare runs that took turns.
"""

import argparse
import asyncio
import cProfile
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.deciding import deciding, default_rules, migrated, record_of
from benchmarks.firm import make_firm
from benchmarks.machine import machine
from benchmarks.moving_in import make_export
from benchmarks.page import write_json
from benchmarks.workload import Message, Workload
from shared.contracts.envelope import RECEIPT_HEADER, RECEIPT_UNLESS_HEADER
from shared.contracts.topics import PURCHASES, SERVER_INVENTORY
from shared.kafka.reader import MAX_RECORDS
from shared.kafka.record import DecodedRecord
from shared.runtime.garbage import collect_garbage_seldom
from shared.storage.database import Engine, transaction
from shared.testclock.clock import SystemClock
from subscription_service.app import SUBSCRIPTION
from subscription_service.domain.policy import Rules
from subscription_service.forecasting import Job, share_of
from tenure.import_plan import plan
from tenure.local.postgres import Postgres

RESULTS: Final = Path("build/core.json")
_OF_IMPORTS: Final = ((RECEIPT_HEADER, b"run"), (RECEIPT_UNLESS_HEADER, b"applied"))
_ZONE: Final = timedelta(hours=8)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks core", description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000, help="accounts of which a forecast is made")
    parser.add_argument("--events", type=int, default=20_000, help="mixed events")
    parser.add_argument("--imports", type=int, default=4_000, help="subscriptions that are taken over")
    parser.add_argument("--profile", type=Path, help="write a profile of all that is measured to this file")
    options = parser.parse_args(arguments)
    collect_garbage_seldom()
    meter = Meter(cProfile.Profile() if options.profile else None)
    with tempfile.TemporaryDirectory(prefix="tenure-core-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(Path(folder), options, meter))
    for step, microseconds in meter.spent.items():
        print(f"{step:<40} {microseconds:>6.1f} us")
    write_json(RESULTS, {"microseconds": meter.spent, "machine": machine()})
    if meter.profile:
        meter.profile.dump_stats(options.profile)
    return 0


class Meter:
    """Adds up this process's processor time per step, in microseconds; `profile` sees the measured steps only."""

    def __init__(self, profile: cProfile.Profile | None) -> None:
        self.profile = profile
        self.spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str, count: int = 1) -> Iterator[None]:
        """What the block spends, divided by `count`."""
        if self.profile:
            self.profile.enable()
        began = time.process_time()
        yield
        self.spent[name] += (time.process_time() - began) * 1e6 / count
        if self.profile:
            self.profile.disable()


class Core:
    """What decides in the service, with records that no Kafka has carried."""

    def __init__(self, engine: Engine, rules: Rules, meter: Meter) -> None:
        self._engine = engine
        self._meter = meter
        self._processor, self._states, _ = deciding(engine, rules, SystemClock())

    async def run(self, messages: Iterable[Message], *, of: str, count: int, headers: tuple[object, ...] = ()) -> None:
        """Decode, apply and document them batch by batch. `of`: what they are; `count`: what times are divided by."""
        left = iter(messages)
        while batch := [record_of(message, headers) for message in islice(left, MAX_RECORDS)]:
            with self._meter.step(f"{of}: decoding", count):
                decoded = [DecodedRecord(record, self._processor.decode(record)) for record in batch]
            with self._meter.step(f"{of}: deciding and storing", count):
                async with transaction(self._engine) as connection:
                    await self._processor.apply(connection, decoded)
            with self._meter.step(f"{of}: state documents", count):
                await self._states.latest({str(record.key, "ascii"): 0 for record in batch})


async def _measure(folder: Path, options: argparse.Namespace, meter: Meter) -> None:
    rules = default_rules()
    postgres = Postgres(folder / "postgres")
    await postgres.start()
    try:
        url = postgres.url_of("postgres")
        engine = await migrated(url)
        await _forecast(url, engine, rules, options.accounts, meter)
        core = Core(engine, rules, meter)
        await _events(core, options.events)
        await _imports(core, folder, rules, options.imports)
        await engine.dispose()
    finally:
        await postgres.kill()


async def _forecast(url: str, engine: Engine, rules: Rules, accounts: int, meter: Meter) -> None:
    """Per account of which something is due within the days."""
    now = datetime.now(UTC)
    await make_firm(url, accounts, (now + _ZONE).date())
    job = Job(url, SUBSCRIPTION.name, rules, now, days=30, named=100, share_number=0, shares=1, parent=0)
    with meter.step("forecast"):
        found = await share_of(engine, job)
    meter.spent["forecast, per account with something due"] = meter.spent.pop("forecast") / found.accounts


async def _events(core: Core, count: int) -> None:
    work = Workload(count, datetime.now(UTC))
    existing = list(work.existing_customers())
    await core.run(existing, of="subscribing, per event", count=len(existing))
    await core.run(work.mixed(), of="mixed, per event", count=count)


async def _imports(core: Core, folder: Path, rules: Rules, count: int) -> None:
    """In the order of `tenure import`: inventory, import, balance; per subscription, so for its three events."""
    now = datetime.now(UTC)
    imports = plan([Path(file) for file in make_export(folder, count, now)], {}, rules, now).imports
    steps = (
        [(SERVER_INVENTORY, planned, planned.inventory) for planned in imports],
        [(PURCHASES, planned, planned.imported) for planned in imports],
        [(PURCHASES, planned, planned.credit) for planned in imports],
    )
    for step in steps:
        messages = [Message(topic, planned.account_id, "", value) for topic, planned, value in step if value]
        await core.run(messages, of="import, per subscription", count=count, headers=_OF_IMPORTS)
