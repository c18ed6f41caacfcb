"""One copy of a service as a process of its own, started as the containers start it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from shared.runtime.settings import PREFIX, Settings


@contextmanager
def service_process(module: str, settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m module` with these settings; it is killed at the end if it still runs."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    given = {f"{PREFIX}{name.upper()}": _text(getattr(settings, name)) for name in settings.model_fields_set}
    child = subprocess.Popen([sys.executable, "-m", module], env=ours | given)
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
