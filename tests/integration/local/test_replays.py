"""What `tenure dead-letters` makes of dead letters that were replayed already."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import DEAD_LETTERS, TOPICS
from shared.kafka.client import connection_arguments
from shared.kafka.topics import ensure
from shared.runtime.settings import Settings
from tenure.__main__ import main
from tenure.local.kafka import Kafka
from tests.kit.topics import read_topic

FIRST: Final = "dead-letters:0:0"
Printed = Callable[..., Any]


@pytest.fixture
def settings(kafka: Kafka, topic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A Kafka with every topic; the commands find it by their environment."""
    monkeypatch.setenv("TENURE_KAFKA_BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setenv("TENURE_TOPIC_PREFIX", topic_prefix)
    settings = Settings(kafka_bootstrap_servers=kafka.bootstrap, topic_prefix=topic_prefix, topic_partitions=1)
    asyncio.run(ensure(list(TOPICS), settings))
    return settings


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What `tenure dead-letters` prints as JSON."""

    def run(*arguments: str) -> Any:
        capsys.readouterr()
        assert main(["dead-letters", *arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


async def put_aside(settings: Settings, *accounts: str, reason: str = "internal_error") -> None:
    """Add a dead letter about each account, as the service would."""
    told = {"reason": reason, "detail": "?", "topic": f"{settings.topic_prefix}purchases", "partition": "0"}
    headers = [(f"dead-letter-{name}", text.encode()) for name, text in (told | {"offset": "5"}).items()]
    async with AIOKafkaProducer(**connection_arguments(settings)) as producer:
        for account in accounts:
            await producer.send_and_wait(
                settings.topic_prefix + DEAD_LETTERS, account.encode(), key=account.encode(), headers=headers
            )


def arrived(settings: Settings) -> list[str]:
    """What a reader of committed records finds on `purchases`."""
    records = asyncio.run(read_topic(settings.kafka_bootstrap_servers, f"{settings.topic_prefix}purchases"))
    return [(record.value or b"").decode() for record in records]


def names(listed: Any) -> list[str]:
    return [each["name"] for each in listed]


def test_a_second_replay_of_a_reason_sends_only_what_has_come_since(settings: Settings, printed: Printed) -> None:
    asyncio.run(put_aside(settings, "a", "b"))
    assert printed("replay", "--reason", "internal_error") == {"replayed": [FIRST, "dead-letters:0:1"]}
    assert printed("replay", "--reason", "internal_error") == {"replayed": []}
    asyncio.run(put_aside(settings, "c"))
    assert printed("replay", "--reason", "internal_error") == {"replayed": ["dead-letters:0:2"]}
    assert arrived(settings) == ["a", "b", "c"]


def test_a_list_shows_what_is_left_and_with_all_when_the_rest_was_replayed(
    settings: Settings, printed: Printed, capsys: pytest.CaptureFixture[str]
) -> None:
    asyncio.run(put_aside(settings, "a", "b"))
    printed("replay", FIRST)
    assert names(printed("list")) == ["dead-letters:0:1"]
    first, second = printed("list", "--all")
    assert (first["handled_at"] is None, second["handled_at"]) == (False, None)
    assert main(["dead-letters", "list"]) == 0
    assert capsys.readouterr().err == "1 dead letter; 1 replayed before (shown with --all)\n"
    assert main(["dead-letters", "list", "--all"]) == 0
    assert "internal_error  replayed 20" in capsys.readouterr().out
    assert main(["dead-letters", "show", FIRST]) == 0
    assert "replayed: 20" in capsys.readouterr().out


def test_what_was_replayed_is_sent_again_by_its_name_or_with_all(settings: Settings, printed: Printed) -> None:
    asyncio.run(put_aside(settings, "a"))
    for again in ([FIRST], [FIRST], ["--reason", "internal_error", "--all"], ["--account", "a", "--all"]):
        assert printed("replay", *again) == {"replayed": [FIRST]}
    assert arrived(settings) == ["a"] * 4


@pytest.mark.parametrize("only", [["--account", "b"], ["--topic", "purchases", "--account", "b"], ["--since", "1h"]])
def test_a_replay_takes_the_filters_of_the_list(settings: Settings, printed: Printed, only: list[str]) -> None:
    asyncio.run(put_aside(settings, "a", reason="not_json"))
    printed("replay", FIRST)
    asyncio.run(put_aside(settings, "b"))
    assert printed("replay", *only) == {"replayed": ["dead-letters:0:1"]}


def test_a_replay_that_was_killed_before_its_commit_has_sent_nothing_and_the_next_sends_it_once(
    settings: Settings, printed: Printed
) -> None:
    asyncio.run(put_aside(settings, "a"))

    async def begin_and_die() -> None:
        """As far as a killed command comes: its transaction stays open on the broker."""
        producer = AIOKafkaProducer(
            **connection_arguments(settings), transactional_id=f"{settings.topic_prefix}tenure-dead-letters-replay"
        )
        await producer.start()
        await producer.begin_transaction()
        await producer.send_and_wait(f"{settings.topic_prefix}purchases", b"a")
        await producer.client.close()
        producer._closed = True
        await producer._sender.close()

    asyncio.run(begin_and_die())
    assert names(printed("list")) == [FIRST]
    assert printed("replay", "--reason", "internal_error") == {"replayed": [FIRST]}
    assert arrived(settings) == ["a"]


def test_a_topic_that_was_made_anew_has_no_handled_dead_letters(settings: Settings, printed: Printed) -> None:
    asyncio.run(put_aside(settings, "a"))
    printed("replay", FIRST)
    mark = {"dead_letter": "dead-letters:0:1", "added_at": "2026-01-31T00:00:00+00:00"}

    async def mark_an_older_one() -> None:
        async with AIOKafkaProducer(**connection_arguments(settings)) as producer:
            await producer.send_and_wait(f"{settings.topic_prefix}dead-letters-handled", json.dumps(mark).encode())

    asyncio.run(mark_an_older_one())
    asyncio.run(put_aside(settings, "b"))
    assert names(printed("list")) == ["dead-letters:0:1"]
