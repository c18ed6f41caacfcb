"""A copy of the notifier as a process of its own, to be killed: `python -m tests.integration.notifier.process`."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.settings import Settings, load
from tests.integration.notifier.copies import copy


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run one with these settings; it is killed at the end if it still lives."""
    given = settings.model_dump(exclude_none=True, exclude_defaults=True)
    secrets = {name: getattr(settings, name).get_secret_value() for name in ("database_url", "auth_secret")}
    environment = {f"TENURE_{name.upper()}": str(value) for name, value in (given | secrets).items()}
    child = subprocess.Popen([sys.executable, "-m", __spec__.name], env=os.environ | environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


async def _run() -> None:
    async with copy(load()):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run())
