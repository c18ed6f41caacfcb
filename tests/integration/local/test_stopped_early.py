"""Stopped in its first moments, while modules are still imported, every process ends as it does later."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.integration.local.running_up import Up
from tests.kit.process import start

TERM, INT = signal.SIGTERM, signal.SIGINT


def stopped(module: Sequence[str], number: signal.Signals, *, at: str, folder: Path) -> tuple[int, list[str]]:
    """Its exit code, and what it wrote to stderr, when it gets the signal once `at` has been imported."""
    environment = {**os.environ, "TMPDIR": str(folder), "TENURE_HTTP_PORT": "0"}
    command = [sys.executable, "-X", "importtime", "-m", *module]
    with start(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.split("|")[-1].strip() == at:
                break
        process.send_signal(number)
        said = [line for line in process.stderr if not line.startswith("import time:")]
    return process.returncode, said


@pytest.mark.parametrize(
    ("module", "number", "code"),
    [
        (["tenure", "up"], INT, 0),
        (["tenure", "up"], TERM, 0),
        (["tenure", "demo"], INT, 130),
        (["tenure", "audit"], INT, 130),
        (["subscription_service"], INT, 0),
        (["subscription_service"], TERM, 0),
        (["notifier_service"], TERM, 0),
        (["tenure.ops"], TERM, 0),
    ],
)
def test_a_signal_while_modules_are_imported_ends_the_process_at_once_and_without_a_word(
    module: list[str], number: signal.Signals, code: int, tmp_path: Path
) -> None:
    assert stopped(module, number, at="tempfile", folder=tmp_path) == (code, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [INT, TERM, signal.SIGHUP])
def test_a_signal_before_the_stack_has_begun_to_start_ends_it_in_order(number: signal.Signals, tmp_path: Path) -> None:
    nowhere = "127.0.0.1:1"
    up = Up(tmp_path, ["--kafka", nowhere, "--smtp", nowhere, "--database", f"postgresql://a@{nowhere}/a"], {})
    up.until("everything is forgotten at the end")
    assert up.end(number) == 0, up.output
    assert up.lines[-1] == "tenure: everything has ended\n"
    assert list(tmp_path.iterdir()) == []
