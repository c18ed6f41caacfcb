"""Running a command whose reader has gone, as after `| head -1`."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run_without_reader(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[int, str]:
    """Run it with a pipe as stdout that nobody can read any more; its exit code and what it wrote to stderr."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, env=environment, cwd=folder
        )
    finally:
        os.close(writer)
    return done.returncode, done.stderr
