"""A log that takes nothing, as on a full disk, changes no exit code."""

import os
import subprocess
import sys
from pathlib import Path

from tests.kit.cases import cases


@cases(("name", "bad"), [("LOG_FORMAT", "xml"), ("BRAND_FILE", "/nowhere")])
def test_what_stops_the_start_keeps_its_exit_code(name: str, bad: str) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "notifier_service"]
        done = subprocess.run(command, env=ours | {f"TENURE_{name}": bad}, stderr=full, check=False, timeout=60)
    assert done.returncode == 2
