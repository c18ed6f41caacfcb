"""`docs/start.md`: its commands, options, files and ports exist; its programs are complete."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from tenure.__main__ import main
from tenure.command_line import COMMANDS
from tenure.local.up import FIXED_PORTS
from tests.kit.cases import cases

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "start.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CALLS = sorted(set(re.findall(r"\btenure ((?:[\w./-]+ ?)+)", "".join(text for kind, text in BLOCKS if kind == "sh"))))


@cases("call", CALLS)
def test_every_command_exists_with_its_options(call: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *arguments = shlex.split(call)
    assert command in COMMANDS
    assert main([command, "--help"]) == 0
    told = capsys.readouterr().out
    assert [option for option in arguments if option.startswith("-") and option not in told] == []


def test_every_option_in_its_prose_is_one_of_publish(capsys: pytest.CaptureFixture[str]) -> None:
    main(["publish", "--help"])
    told = capsys.readouterr().out
    assert [option for option in re.findall(r"`(--[a-z-]+)`", TEXT) if option not in told] == []


def test_every_example_that_is_named_exists() -> None:
    named = set(re.findall(r"examples/[\w.-]+\.json", TEXT))
    assert "examples/purchase.json" in named
    assert [path for path in sorted(named) if not (ROOT / path).is_file()] == []


def test_every_port_is_one_of_make_up() -> None:
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", TEXT)}
    assert ports == {FIXED_PORTS[name] for name in ("kafka", "subscription", "notifier", "ops", "mail")}


def test_the_python_program_sends_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = [text for kind, text in BLOCKS if kind == "python"]
    sent: list[tuple[str, dict[str, Any]]] = []

    class Producer:
        def __init__(self, settings: dict[str, Any]) -> None:
            assert settings["bootstrap.servers"] == f"127.0.0.1:{FIXED_PORTS['kafka']}"

        def produce(self, topic: str, **record: Any) -> None:
            sent.append((topic, record))

        def flush(self) -> None:
            sent.append(("flushed", {}))

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("confluent_kafka.Producer", Producer)
    exec(compile(program, "docs/start.md", "exec"), {})
    [(topic, record), (last, _)] = sent
    assert (topic, record["key"], last) == ("purchases", "acct-1001", "flushed")
    assert json.loads(record["value"]).keys() >= {"time", "id", "data"}
