"""Each error of Kafka and of its client means what the table says: a wait, an alarm, or a batch that is too large."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import errors as aiokafka_errors
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, kafka_errors

from shared.contracts.topics import LIFECYCLE, PURCHASES
from shared.kafka import topics
from shared.kafka.errors import classified, close_quietly, kafka_meaning
from shared.runtime.error_table import ANY, ERROR_TABLE, RETRIABLE, ErrorRow, Meaning, Source
from shared.runtime.errors import Alarm, Transient
from shared.runtime.settings import Settings
from tests.kit.cases import cases

ROWS = {row.code: row for row in ERROR_TABLE if row.source is Source.KAFKA}
CLASSES = {
    name: found
    for name, found in vars(aiokafka_errors).items()
    if inspect.isclass(found) and issubclass(found, Exception) and found.__module__ == aiokafka_errors.__name__
}
RAISED = {Meaning.WAIT: Transient, Meaning.HALVE: Transient, Meaning.ALARM: Alarm}
CREATED = [error for error in kafka_errors.values() if error not in (NoError, TopicAlreadyExistsError)]


def _row(error: type[Exception]) -> ErrorRow:
    """What stands in the table for this class: what is retriable, its own row, one of a class above it, or the rest."""
    codes = [RETRIABLE] if getattr(error, "retriable", False) else [each.__name__ for each in error.__mro__]
    return next(ROWS[code] for code in (*codes, ANY) if code in ROWS)


@pytest.mark.rule("G5")
@cases("name", CLASSES)
def test_each_error_of_the_client_is_raised_as_its_row_says_and_never_as_it_is(name: str) -> None:
    error = CLASSES[name]
    with pytest.raises((Transient, Alarm)) as raised, classified():
        raise error()
    assert type(raised.value) is RAISED[_row(error).meaning]
    assert name in str(raised.value) or error.__name__ in str(raised.value)


@pytest.mark.rule("G5")
@cases("name", [name for name, error in CLASSES.items() if getattr(error, "retriable", False)])
def test_what_the_client_calls_retriable_is_waited_for(name: str) -> None:
    assert kafka_meaning(CLASSES[name]()) is Meaning.WAIT
    assert name not in ROWS


def test_no_row_is_of_a_class_that_does_not_exist() -> None:
    of_python = {"OSError", "TimeoutError"}
    assert ROWS.keys() - {RETRIABLE, ANY} - of_python <= CLASSES.keys()


@cases(
    ("code", "meaning"),
    [
        ("NotControllerError", Meaning.WAIT),
        ("RequestTimedOutError", Meaning.WAIT),
        ("KafkaTimeoutError", Meaning.WAIT),
        ("AuthenticationFailedError", Meaning.WAIT),
        ("TopicAuthorizationFailedError", Meaning.WAIT),
        ("ProducerFenced", Meaning.WAIT),
        ("CorruptRecordException", Meaning.WAIT),
        ("UnknownError", Meaning.WAIT),
        ("MessageSizeTooLargeError", Meaning.HALVE),
        ("InvalidTopicError", Meaning.ALARM),
        ("InvalidReplicationFactorError", Meaning.ALARM),
        ("PolicyViolationError", Meaning.ALARM),
        ("InvalidTransactionTimeout", Meaning.ALARM),
    ],
)
def test_what_is_waited_for_and_what_a_person_has_to_change(code: str, meaning: Meaning) -> None:
    assert kafka_meaning(CLASSES[code]()) is meaning


@pytest.mark.parametrize("error", [ConnectionRefusedError(), TimeoutError(), OSError("no route")])
def test_the_network_is_waited_for(error: Exception) -> None:
    with pytest.raises(Transient), classified():
        raise error


def test_an_error_in_an_error_without_class_is_judged_as_it_was_raised_first() -> None:
    wrapped = KafkaError("unexpected")
    wrapped.__cause__ = CLASSES["InvalidTransactionTimeout"]()
    with pytest.raises(Alarm, match="InvalidTransactionTimeout"), classified():
        raise wrapped


async def test_an_assertion_inside_the_client_is_waited_for_and_one_of_ours_is_a_fault() -> None:
    client = AIOKafkaClient()
    with pytest.raises(Transient, match="AssertionError"), classified():
        await client.coordinator_lookup(0, "group")  # knows no broker
    with pytest.raises(AssertionError), classified():
        raise AssertionError


class StandIn:
    """An admin client of a broker that knows no topic, and answers so to the wish for one."""

    def __init__(self, code: int) -> None:
        self.code = code

    async def list_topics(self) -> list[str]:
        return []

    async def create_topics(self, wanted: Sequence[Any]) -> Any:
        return SimpleNamespace(topic_errors=[(topic.name, self.code, "said so") for topic in wanted])

    async def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [{"topic": name, "partitions": [], "error_code": self.code} for name in names]


def _answering(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    @asynccontextmanager
    async def admin_client(_: Settings) -> AsyncIterator[StandIn]:
        yield StandIn(code)

    monkeypatch.setattr(topics, "admin_client", admin_client)
    monkeypatch.setattr(topics, "_KNOWN_WITHIN_SECONDS", 0.0)
    monkeypatch.setattr(topics, "_LOOK_SECONDS", 0.0)


@pytest.mark.rule("G5")
@cases("error", CREATED)
async def test_a_topic_that_cannot_be_created_is_named_and_waited_for_or_an_alarm(
    monkeypatch: pytest.MonkeyPatch, error: type[Any]
) -> None:
    _answering(monkeypatch, error.errno)
    with pytest.raises(
        (Transient, Alarm), match=rf"Topic {PURCHASES} cannot be had: {error.__name__} said so"
    ) as raised:
        await topics.ensure([PURCHASES, LIFECYCLE], Settings())
    assert type(raised.value) is RAISED[_row(error).meaning]


@pytest.mark.rule("G5")
@cases("code", [0, 3, 5, 29, 36])
async def test_a_topic_that_is_created_and_not_known_yet_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    _answering(monkeypatch, code)
    with pytest.raises(Transient, match=f"Topic {PURCHASES} cannot be had: "):
        await topics.ensure([PURCHASES], Settings())


@pytest.mark.parametrize("error", [KafkaError("broken"), OSError(), AssertionError(), asyncio.CancelledError()])
async def test_a_client_that_does_not_close_cleanly_is_let_go(error: BaseException) -> None:
    async def close() -> None:
        raise error

    await close_quietly(close)


async def test_a_client_that_never_closes_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.kafka.errors._CLOSING_SECONDS", 0.0)
    await close_quietly(asyncio.Event().wait)


async def test_who_is_told_to_stop_while_a_client_closes_stops() -> None:
    closing = asyncio.create_task(close_quietly(asyncio.Event().wait))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
