"""Keeps the snapshot: loads it at the start, writes it every minute and at the end. Without a folder there is none."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shared.runtime.settings import Settings
from shared.runtime.waits import WaitLog
from subscription_service.domain.policy import Rules
from tenure.ops.log_lines import SNAPSHOT_IGNORED, SNAPSHOT_LOADED
from tenure.ops.model import Model
from tenure.ops.renewals import Estimates
from tenure.ops.snapshot import FILE_NAME, Basis, DamagedSnapshot, Writing, frames, load

EVERY_SECONDS: Final = 60.0
_COMPONENT: Final = "snapshot"


class Keeper:
    """Of one process; `now_ms`: real time."""

    def __init__(self, settings: Settings, rules: Rules, now_ms: Callable[[], int]) -> None:
        self._file = settings.ops_data_dir / FILE_NAME if settings.ops_data_dir else None
        self._basis = Basis(
            bootstrap=settings.kafka_bootstrap_servers, prefix=settings.topic_prefix, catalog=repr(rules)
        )
        self._now_ms = now_ms
        self._kept_changes = -1
        self._waits = WaitLog()

    def load(self, estimates: Estimates) -> Model:
        """What was kept; an empty model where there is nothing, or nothing that can be used."""
        if self._file is None:
            return Model.empty(estimates)
        try:
            found = load(self._file, self._basis, estimates, self._now_ms())
        except (DamagedSnapshot, OSError) as error:
            SNAPSHOT_IGNORED.say(reason=str(error))
            found = None
        if found is None:
            return Model.empty(estimates)
        SNAPSHOT_LOADED.say(accounts=len(found.accounts))
        return found

    async def run(self, model: Callable[[], Model]) -> None:
        """Write it now and then, without end."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            model().forget(self._now_ms())
            await self.keep(model())

    async def keep(self, model: Model) -> None:
        """Write it where something has changed; others have their turn meanwhile."""
        if self._file is None or model.changes == self._kept_changes:
            return
        changes = model.changes
        try:
            await self._write(self._file, model)
        except OSError as error:
            self._waits.waits(_COMPONENT, f"the snapshot cannot be written: {error.strerror or type(error).__name__}")
        else:
            self._kept_changes = changes
            self._waits.goes_on(_COMPONENT)

    async def _write(self, file: Path, model: Model) -> None:
        writing = Writing(file)
        try:
            for frame in frames(model, self._basis, self._now_ms()):
                writing.add(frame)
                await asyncio.sleep(0)
            await asyncio.to_thread(writing.finish)
        except BaseException:
            writing.give_up()
            raise
