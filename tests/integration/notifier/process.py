"""A copy of the notifier as a process of its own, to be killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shared.runtime.settings import Settings
from tenure.local.ports import free_port


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run one with these settings; it is killed at the end if it still lives."""
    given = settings.model_dump(exclude_none=True, exclude_defaults=True)
    secrets = {name: getattr(settings, name).get_secret_value() for name in ("database_url", "auth_secret")}
    named = given | secrets | {"http_port": free_port()}
    environment = {f"TENURE_{name.upper()}": str(value) for name, value in named.items()}
    child = subprocess.Popen([sys.executable, "-m", "notifier_service"], env=os.environ | environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
