"""`tenure demo` as a user starts it: the whole story comes true, and its reader may go."""

import os
import subprocess
import sys

from shared.runtime.settings import PREFIX
from tests.kit.process import start

DEMO = [sys.executable, "-m", "tenure", "demo"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def test_the_demo_comes_true_though_its_reader_goes_after_the_first_line() -> None:
    with start(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stdout.readline().startswith("Starting Kafka")
        demo.stdout.close()
        told = demo.stderr.read()
    assert (demo.returncode, told) == (0, "")
