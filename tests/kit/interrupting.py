"""Ctrl-C on a command that waits for a broker which takes connections and says nothing."""

import signal
import socket
import subprocess
import sys
from collections.abc import Sequence

from tests.kit.process import start

INTERRUPTED = 130


def interrupted_at_a_silent_broker(arguments: Sequence[str]) -> tuple[int, str]:
    """Exit code and last line of the errors of `tenure` with these arguments; it gets Ctrl-C once it is connected."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        command = [sys.executable, "-m", "tenure", *arguments, "--kafka", f"127.0.0.1:{silent.getsockname()[1]}"]
        with start(command, stderr=subprocess.PIPE, text=True) as running:
            connection, _ = silent.accept()
            with connection:
                running.send_signal(signal.SIGINT)
                _, errors = running.communicate(timeout=30)
    return running.returncode, errors.splitlines()[-1]
