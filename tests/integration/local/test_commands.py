"""The commands that talk to a running Tenure: what they send, what they print, and with which exit code they end."""

import asyncio
import json
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS, TOPICS
from shared.kafka.client import connection_arguments
from shared.kafka.record import Record
from shared.kafka.topics import ensure
from shared.runtime.settings import Settings
from tenure.__main__ import main
from tenure.local.kafka import Kafka
from tests.kit.pipes import run_without_reader
from tests.kit.topics import read_topic

RECEIVED = (("traceparent", b"00-trace"), ("sequence", b"7"), ("dead-letter-note", b"theirs"), ("none", None))


@pytest.fixture
def settings(kafka: Kafka, topic_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    """A Kafka with every topic; the commands find it by their environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TENURE_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setenv("TENURE_TOPIC_PREFIX", topic_prefix)
    settings = Settings(kafka_bootstrap_servers=kafka.bootstrap, topic_prefix=topic_prefix, topic_partitions=2)
    asyncio.run(ensure(list(TOPICS), settings))
    return settings


def declined(account: str, **fields: Any) -> dict[str, Any]:
    return {"type": "tenure.renewal.declined.v1", "data": {"account_id": account}, **fields}


def write(file: Path, *lines: object) -> str:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    file.write_bytes(text.encode(errors="surrogateescape"))
    return str(file)


def read(topic: str, settings: Settings) -> list[Record]:
    return asyncio.run(read_topic(settings.kafka_bootstrap_servers, settings.topic_prefix + topic))


async def put_aside(
    settings: Settings,
    topic: str,
    origin: str,
    *,
    reason: str = "not_json",
    key: bytes | None = b"acc-1",
    value: bytes | None = b"{broken",
) -> None:
    """Add a dead letter, as a service would."""
    producer = AIOKafkaProducer(**connection_arguments(settings))
    await producer.start()
    told = {"reason": reason, "detail": "line 1\x1b[2J", "topic": origin, "partition": "0", "offset": "5"}
    headers = [*RECEIVED, *((f"dead-letter-{name}", value.encode()) for name, value in told.items())]
    batch = producer.create_batch()
    batch.append(key=key, value=value, timestamp=None, headers=[*headers, ("sequence", b"1")])
    await (await producer.send_batch(batch, settings.topic_prefix + topic, partition=1))
    await producer.stop()


def test_published_events_reach_the_topic_of_their_type_under_their_subject(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = declined("acc-1", specversion="1.0", id="e-1", source="shop", time="2026-11-23T10:00:00Z", subject="acc-1")
    file = write(tmp_path / "events.jsonl", whole, "", declined("acc-2"))
    assert main(["publish", file]) == 0
    first, second = sorted(read("renewals", settings), key=lambda record: record.key)
    assert (first.key, json.loads(first.value)) == (b"acc-1", whole)
    sent = json.loads(second.value)
    assert (second.key, sent["subject"], uuid.UUID(sent["id"]).version) == (b"acc-2", "acc-2", 4)
    printed = capsys.readouterr().out
    assert f"{file}, line 3: specversion, id, source, time, subject filled in" in printed
    assert "renewals: 2 acknowledged" in printed


def test_a_wrapped_event_is_sent_as_it_stands(settings: Settings, tmp_path: Path) -> None:
    assert main(["publish", write(tmp_path / "e", {"topic": "purchases", "event": {"type": "?"}})]) == 0
    [record] = read("purchases", settings)
    assert (record.key, record.value) == (None, b'{"type":"?"}')


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "no JSON"),
        ("[]", "expected a JSON object"),
        ("\udcff", "no JSON ('utf-8' codec can't decode"),
        ("[" * 100_000, "no JSON (maximum recursion depth"),
        ('{"type": "tenure.unknown.v1"}', "has no topic"),
        ('{"topic": "subscription-lifecycle", "event": {}}', "takes no events from outside"),
    ],
)
def test_nothing_is_sent_when_one_line_is_bad(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, why: str
) -> None:
    good, bad = write(tmp_path / "good", declined("acc-1")), write(tmp_path / "bad", declined("acc-1"), line)
    assert main(["publish", good, bad]) == 1
    told = capsys.readouterr().err
    assert (f"{bad}, line 2" in told, why in told) == (True, True)
    assert read("renewals", settings) == []


@pytest.mark.usefixtures("settings")
def test_files_without_events_are_no_fault_and_not_passed_over_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", write(tmp_path / "events.jsonl")]) == 0
    assert capsys.readouterr().out == "no events: nothing was sent\n"


def test_a_dead_letter_is_listed_shown_and_replayed_as_it_was_received(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}purchases"))
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}renewals", reason="internal_error"))
    assert main(["dead-letters", "list"]) == 0
    listed = capsys.readouterr().out
    assert (listed.count("\n"), "dead-letters:1:0" in listed, "internal_error" in listed) == (2, True, True)
    assert ("\x1b" in listed, f"from {settings.topic_prefix}purchases:0:5" in listed) == (False, True)
    assert main(["dead-letters", "show", "dead-letters:1:0"]) == 0
    assert "{broken" in capsys.readouterr().out
    assert main(["dead-letters", "replay", "--reason", "not_json"]) == 0
    [record] = read("purchases", settings)
    assert (record.key, record.value, record.headers) == (b"acc-1", b"{broken", RECEIVED)
    assert read("renewals", settings) == []


def test_dead_letters_are_listed_by_topic_account_and_age(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    event = json.dumps(declined("acme", id="e-7", source="/shop", subject="acme")).encode()
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}purchases"))
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}renewals", value=event))
    for only in (["--topic", "renewals"], ["--account", "acme"], ["--since", "1h", "--account", "acme"]):
        assert main(["dead-letters", "list", *only]) == 0
        listed = capsys.readouterr().out
        assert (listed.count("\n"), "account acme  event_id e-7  source /shop" in listed) == (1, True), only
    assert main(["dead-letters", "list", "--account", "acc-1"]) == 0
    assert "event_id -" in capsys.readouterr().out
    assert main(["dead-letters", "list", "--since", "soon"]) == 1
    assert "tenure dead-letters: --since soon: expected 2h" in capsys.readouterr().err


def test_a_letter_from_a_topic_with_one_writer_is_not_replayed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(put_aside(settings, NOTIFICATION_DEAD_LETTERS, f"{settings.topic_prefix}subscription-lifecycle"))
    assert main(["dead-letters", "replay", f"{NOTIFICATION_DEAD_LETTERS}:1:0"]) == 1
    assert "which one service alone may write. Nothing was replayed." in capsys.readouterr().err
    assert read("subscription-lifecycle", settings) == []


@pytest.mark.parametrize("letters", [[], ["dead-letters:0:99"]])
def test_a_replay_needs_letters_that_exist(
    settings: Settings, capsys: pytest.CaptureFixture[str], letters: list[str]
) -> None:
    assert main(["dead-letters", "replay", *letters]) == 1
    assert "tenure dead-letters: " in capsys.readouterr().err


def test_a_record_without_key_and_value_is_replayed_too(settings: Settings) -> None:
    origin = f"{settings.topic_prefix}purchases"
    asyncio.run(put_aside(settings, DEAD_LETTERS, origin, key=None, value=None))
    assert main(["dead-letters", "replay", "--reason", "not_json"]) == 0
    [record] = read("purchases", settings)
    assert (record.key, record.value, record.headers) == (None, None, RECEIVED)


def test_what_is_printed_can_be_had_as_json(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(*arguments: str) -> Any:
        assert main([*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    file = write(tmp_path / "events", declined("acc-1"))
    filled = ["specversion", "id", "source", "time", "subject"]
    assert printed("publish", file) == {"acknowledged": {"renewals": 1}, "filled_in": {f"{file}, line 1": filled}}
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}purchases", value=b"\xff"))
    [letter] = printed("dead-letters", "list")
    assert (letter["name"], letter["reason"], letter["detail"]) == ("dead-letters:1:0", "not_json", "line 1\x1b[2J")
    shown = printed("dead-letters", "show", "dead-letters:1:0")
    assert (shown["key"], shown["value"]) == ("acc-1", {"base64": "/w=="})
    assert shown["headers"][-1] == {"name": "none", "value": None}
    assert printed("dead-letters", "replay", "dead-letters:1:0") == {"replayed": ["dead-letters:1:0"]}
    assert printed("dead-letters", "list", "--reason", "too_large") == []


def test_each_command_ends_quietly_when_its_reader_has_gone(settings: Settings, tmp_path: Path) -> None:
    asyncio.run(put_aside(settings, DEAD_LETTERS, f"{settings.topic_prefix}purchases"))
    file, letter = write(tmp_path / "events", declined("acc-1")), "dead-letters:1:0"
    for arguments in (["publish", file], ["dead-letters", "show", letter], ["dead-letters", "replay", letter]):
        for more in ([], ["--json"]):
            command = [sys.executable, "-m", "tenure", *arguments, *more]
            assert run_without_reader(command) == (0, "")
    output = "0 dead letters; 1 replayed before (shown with --all)\n"
    assert run_without_reader([sys.executable, "-m", "tenure", "dead-letters", "list"]) == (0, output)
    assert len(read("purchases", settings)) == 2
