"""A running `tenure up` of a test, and looks at what it runs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
from aiokafka.admin import AIOKafkaAdminClient

from tests.kit import http
from tests.kit.process import start
from tests.kit.waiting import PATIENCE

STAND_IN = Path(__file__).with_name("stand_in.py")
READY = "ready; Ctrl-C ends it"


class Up:
    """A running `tenure up`."""

    def __init__(self, folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> None:
        self.ready_file = folder / "ready.json"
        self.lines: list[str] = []
        command = [sys.executable, str(STAND_IN), "up", "--ready-file", str(self.ready_file), *options]
        self.process: subprocess.Popen[str] = start(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "TMPDIR": str(folder), **environment},
        )

    def until(self, text: str) -> str:
        """The next line of its output that contains this text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came:\n{self.output}")

    @property
    def output(self) -> str:
        """What it has written so far."""
        return "".join(self.lines)

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ready_file.read_text())
        return found

    def family(self) -> list[psutil.Process]:
        return list(psutil.Process(self.process.pid).children(recursive=True))

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Tell it to end, if it runs, and wait until it has; its exit code."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Wait until it has ended; its exit code."""
        with self.process:
            if self.process.stdout is not None and not self.process.stdout.closed:
                self.lines += self.process.stdout.readlines()
        return self.process.returncode


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    return list(psutil.wait_procs(processes, timeout=PATIENCE)[1])


def get(url: str) -> httpx.Response:
    return http.get(url).raise_for_status()


async def topics_at(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


async def execute(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
