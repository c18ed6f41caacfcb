"""Running a command whose output nobody takes: its reader has gone, as after `| head -1`, or its disk is full."""

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


def run_on_full_disk(command: Sequence[str]) -> tuple[int, str]:
    """Run it with an output that no byte can be written to; exit code and standard error."""
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    return ran.returncode, ran.stderr
