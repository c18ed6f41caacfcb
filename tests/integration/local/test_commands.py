"""The commands that talk to a running Tenure: what they send, what they print, and with which exit code they end."""

import asyncio
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.contracts.topics import DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS, TOPICS
from shared.kafka.client import connection_arguments, standalone_consumer
from shared.kafka.topics import ensure
from shared.runtime.settings import Settings
from tenure.__main__ import main
from tenure.local.kafka import Kafka

SECRET = "0123456789abcdef0123456789abcdef"
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


def read(topic: str, settings: Settings) -> list[ConsumerRecord[bytes, bytes]]:
    return asyncio.run(_read(settings.topic_prefix + topic, settings))


async def _read(topic: str, settings: Settings) -> list[ConsumerRecord[bytes, bytes]]:
    async with standalone_consumer(settings) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(2)]
        consumer.assign(partitions)
        count = sum((await consumer.end_offsets(partitions)).values())
        records: list[ConsumerRecord[bytes, bytes]] = []
        while len(records) < count:
            records += [one for found in (await consumer.getmany(timeout_ms=500)).values() for one in found]
        return records


async def bury(settings: Settings, topic: str, origin: str, *, reason: str = "not_json") -> None:
    producer = AIOKafkaProducer(**connection_arguments(settings))
    await producer.start()
    told = {"reason": reason, "detail": "line 1\x1b[2J", "topic": origin, "partition": "0", "offset": "5"}
    headers = [*RECEIVED, *((f"dead-letter-{name}", value.encode()) for name, value in told.items())]
    await producer.send_and_wait(
        settings.topic_prefix + topic, b"{broken", key=b"acc-1", headers=[*headers, ("sequence", b"1")], partition=1
    )
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
    said = capsys.readouterr().out
    assert f"{file}, line 3: specversion, id, source, time, subject filled in" in said
    assert "renewals: 2 acknowledged" in said


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


def test_publishing_without_knowing_where_says_how_to_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["publish", write(tmp_path / "e", declined("acc-1"))]) == 1
    assert (
        "TENURE_KAFKA_BOOTSTRAP_SERVERS is not set, and .tenure/ready.json does not tell it" in capsys.readouterr().err
    )


@pytest.mark.parametrize("content", ["{broken", "[]", None])
def test_a_ready_file_that_is_none_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
) -> None:
    ready = tmp_path / "ready.json"
    ready.mkdir() if content is None else ready.write_text(content)
    assert main(["token", "acc-1", "--ready-file", str(ready)]) == 1
    assert capsys.readouterr().err == f"tenure token: {ready} is no ready file of `tenure up`.\n"


def test_a_token_is_signed_with_the_secret_of_the_ready_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", "x" * 32)
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps({"auth_secret": SECRET}))
    assert main(["token", "acc-1", "--operator", "--ready-file", str(ready)]) == 0
    claims = jwt.decode(capsys.readouterr().out.strip(), SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("acc-1", "operator", 3600)


def test_a_token_without_operator_has_no_scope(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TENURE_AUTH_SECRET", SECRET)
    assert main(["token", "acc-1"]) == 0
    assert "scope" not in jwt.decode(capsys.readouterr().out.strip(), SECRET, algorithms=["HS256"])


def test_a_dead_letter_is_listed_shown_and_replayed_as_it_was_received(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(bury(settings, DEAD_LETTERS, f"{settings.topic_prefix}purchases"))
    asyncio.run(bury(settings, DEAD_LETTERS, f"{settings.topic_prefix}renewals", reason="internal_error"))
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


def test_a_letter_from_a_topic_with_one_writer_is_not_replayed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(bury(settings, NOTIFICATION_DEAD_LETTERS, f"{settings.topic_prefix}subscription-lifecycle"))
    assert main(["dead-letters", "replay", f"{NOTIFICATION_DEAD_LETTERS}:1:0"]) == 1
    assert "which one service alone may write. Nothing was replayed." in capsys.readouterr().err
    assert read("subscription-lifecycle", settings) == []


@pytest.mark.parametrize("letters", [[], ["dead-letters:0:99"]])
def test_a_replay_needs_letters_that_exist(
    settings: Settings, capsys: pytest.CaptureFixture[str], letters: list[str]
) -> None:
    assert main(["dead-letters", "replay", *letters]) == 1
    assert "tenure dead-letters: " in capsys.readouterr().err


def test_an_unknown_command_is_refused_with_the_list_of_those_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upp"]) == 2
    told = capsys.readouterr().err
    assert ("there is no command 'upp'" in told, "dead-letters" in told) == (True, True)


def test_a_command_of_the_local_stack_says_what_is_missing_where_only_the_services_are_installed() -> None:
    without = "import sys; sys.modules['psutil'] = None; from tenure.__main__ import main; sys.exit(main(['up']))"
    done = subprocess.run([sys.executable, "-c", without], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "tenure up: psutil is not installed here; the extra `local` brings it\n",
    )
