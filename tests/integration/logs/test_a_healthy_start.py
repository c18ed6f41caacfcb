"""`tenure up` with two copies of each service, from a healthy start to a stop: no line of the log is above info."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tenure.local.kafka import Kafka
from tenure.local.mail import MailServer
from tests.kit.process import start
from tests.kit.settings import unused_prefix

COPIES = {"subscription": 2, "notifier": 2}


def test_a_healthy_start_and_stop_has_no_line_above_info_and_says_what_runs(
    kafka: Kafka, database_url: str, mail_server: MailServer, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    _up_and_down(kafka, database_url, mail_server, tmp_path)
    for service, copies in COPIES.items():
        logs = sorted((tmp_path / "data" / "services").glob(f"{service}*.log"))
        lines = [[json.loads(line) for line in log.read_text().splitlines()] for log in logs]
        assert len(lines) == copies
        assert [line for log in lines for line in log if line["level"] not in ("debug", "info")] == []
        for log in lines:
            [started] = [line for line in log if line["kind"] == "started"]
            assert started["service"] == service
            assert started["version"]
            assert re.fullmatch(r"\d{4}", started["schema_revision"])
            assert started["port"] > 0
            assert ("policy_digest" in started) is (service == "subscription")
            assert [line["kind"] for line in log][-1] == "stopped"


def _up_and_down(kafka: Kafka, database_url: str, mail_server: MailServer, folder: Path) -> None:
    """Start, wait until it is ready, and end it as Ctrl-C does."""
    where = ["--kafka", kafka.bootstrap, "--database", database_url, "--smtp", mail_server.smtp]
    command = [sys.executable, "-m", "tenure", "up", "--data", str(folder / "data"), "--copies", "2", *where]
    settings = {"TENURE_TOPIC_PREFIX": unused_prefix(), "TENURE_LOG_FORMAT": "json", "TENURE_LOG_LEVEL": "debug"}
    up = start(command, stdout=subprocess.PIPE, text=True, env=os.environ | settings)
    assert up.stdout is not None
    with up:
        for line in up.stdout:
            if "Ctrl-C" in line:
                break
        up.terminate()
        up.stdout.read()
    assert up.returncode == 0
