"""`tenure demo` as a user starts it: the whole story comes true, its reader may go, and the stack can be looked at."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from shared.runtime.settings import PREFIX
from tests.kit import http
from tests.kit.process import start
from tests.kit.waiting import PATIENCE

DEMO = [sys.executable, "-m", "tenure", "demo"]
PICTURES = ["inbox.png", "preferences.png", "previews.png", "operations.png", "mail.png"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def test_the_story_of_a_firm_that_moves_in_comes_true_though_its_reader_goes_after_the_first_line() -> None:
    with start(
        [*DEMO, "--story", "moving-in"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        assert demo.stdout.readline().startswith("Starting Kafka")
        demo.stdout.close()
        told = demo.stderr.read()
    assert (demo.returncode, told) == (0, "")


def test_a_story_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    done = subprocess.run([*DEMO, "--story", "ann"], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--story ann: expected one of customer, moving-in" in done.stderr


def test_a_kept_demo_prints_addresses_that_answer_and_ends_clean_at_ctrl_c(tmp_path: Path) -> None:
    with start([*DEMO, "--keep"], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=tmp_path) as demo:
        assert demo.stdout is not None
        lines = []
        for line in demo.stdout:
            lines.append(line)
            if "Ctrl-C ends it" in line:
                break
        output, ready_file = "".join(lines), tmp_path / ".tenure" / "ready.json"
        addresses = re.findall(r"^  (?:mails|subscription|notifier) +(http\S+)$", output, re.MULTILINE)
        assert len(addresses) == 3, output
        assert [http.get(each).status_code for each in addresses] == [200] * 3
        document = json.loads(ready_file.read_text())
        assert [psutil.pid_exists(pid) for pid in document["pids"]["ops"]] == [True]
        (link,) = re.findall(r"^  operations +(\S+)$", output, re.MULTILINE)
        assert link.startswith(f"{document['ops_url']}/ops?token=")
        opened = http.get(link, follow_redirects=True)
        assert (opened.status_code, str(opened.url)) == (200, f"{document['ops_url']}/ops")
        shown = subprocess.run(
            [sys.executable, "-m", "tenure", "account", "ann", "--json"],
            capture_output=True, check=True, env=ENVIRONMENT, cwd=tmp_path,
        )  # fmt: skip
        assert json.loads(shown.stdout)["state"]["state"] == "released"
        assert f"Pictures in .tenure/pictures: {', '.join(PICTURES)}." in output
        pictures = (tmp_path / ".tenure" / "pictures").iterdir()
        assert {(each.name, each.read_bytes()[:4]) for each in pictures} == {(name, b"\x89PNG") for name in PICTURES}
        family = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        demo.stdout.read()
    assert (demo.returncode, ready_file.exists()) == (0, False)
    assert psutil.wait_procs(family, timeout=PATIENCE)[1] == []
