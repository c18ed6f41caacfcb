"""Processes that a test starts: none outlives the test run, however that ends."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from shared.runtime.settings import PREFIX, Settings
from tenure.local.process import ending_with_us


def start(command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
    """`Popen` with these options, of a child that gets SIGTERM when the test run is killed."""
    return subprocess.Popen(command, preexec_fn=ending_with_us(), **options)  # noqa: PLW1509


@contextmanager
def service_process(module: str, settings: Settings, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """One copy of a service, started as the containers start it, with these settings; it is killed at the end.

    `log` gets its log.
    """
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    given = {f"{PREFIX}{name.upper()}": _text(getattr(settings, name)) for name in settings.model_fields_set}
    with log.open("ab") if log else nullcontext() as written:
        child = start([sys.executable, "-m", module], env=ours | given, stderr=written)
        try:
            yield child
        finally:
            child.kill()
            child.wait()


def _text(value: Any) -> str:
    """As a person would write it into the environment."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value.isoformat() if isinstance(value, datetime) else str(value)
