"""Ctrl-C on a command that waits for a broker which takes connections and says nothing."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.process import start

EVENT = {"type": "tenure.renewal.declined.v1", "data": {"account_id": "acct-1"}}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(30)
        yield listening


def interrupted(silent: socket.socket, *arguments: str) -> tuple[int, str]:
    """Exit code and errors of `tenure` with these arguments, which gets Ctrl-C once it is connected."""
    broker = f"127.0.0.1:{silent.getsockname()[1]}"
    command = [sys.executable, "-m", "tenure", *arguments, "--kafka", broker]
    with start(command, stderr=subprocess.PIPE, text=True) as running:
        connection, _ = silent.accept()
        running.send_signal(signal.SIGINT)
        _, errors = running.communicate(timeout=30)
        connection.close()
    return running.returncode, errors


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"id": "d-1"}, "the same command goes on where this one stopped"),
        ({}, "what the broker has by now stays there, and the same command would send it once more"),
    ],
)
def test_a_publication_tells_whether_it_may_be_repeated(
    silent: socket.socket, tmp_path: Path, own: dict[str, str], said: str
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(EVENT | own))
    code, errors = interrupted(silent, "publish", str(file))
    assert (code, errors.splitlines()[-1]) == (130, f"tenure publish: interrupted; {said}")
