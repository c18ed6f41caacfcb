"""Errors of Kafka and of its client, turned into those that say what to do; `shared.runtime.error_table` judges.

Invariant: no error out of a client leaves `classified` as it is, whatever its class. The client is discarded, and a new
one tries again.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from aiokafka.errors import ConsumerStoppedError, IllegalOperation, KafkaError

from shared.runtime.error_table import RETRIABLE, Meaning, Source, row_of
from shared.runtime.errors import Alarm, Transient
from shared.runtime.health import Health
from shared.runtime.log_lines import CLIENT_DISCARDED

_OF_THE_CLIENT: Final = (KafkaError, ConsumerStoppedError, IllegalOperation, OSError)
_CLIENTS: Final = ("aiokafka", "faststream")
_CLOSING_SECONDS: Final = 10
_SLOW_SECONDS: Final = 10


@contextmanager
def classified(*, but_for: type[Exception] | tuple[()] = ()) -> Iterator[None]:
    """Raise Kafka's errors as `Transient` or `Alarm`; `but_for`, and anything else, as it is."""
    try:
        yield
    except Exception as error:
        if isinstance(error, but_for) or not _is_kafkas(error):
            raise
        raise as_our_error(error, f"Kafka: {_named(_origin(error))}") from error


def as_our_error(error: BaseException, sentence: str) -> Transient | Alarm:
    """What `error` has to be raised as, with this sentence for operators."""
    kind = Alarm if kafka_meaning(error) is Meaning.ALARM else Transient
    return kind(sentence)


def kafka_meaning(error: BaseException) -> Meaning:
    """What the table says of an error of Kafka or of its client."""
    origin = _origin(error)
    names = [each.__name__ for each in type(origin).__mro__]
    return row_of(Source.KAFKA, [RETRIABLE, *names] if getattr(origin, "retriable", False) else names).meaning


@contextmanager
def report_when_slow(health: Health, component: str, asked_for: str) -> Iterator[None]:
    """After 10 s in the block `/ready` says what Kafka was asked for: its client asks on, and raises nothing."""
    sentence = f"Kafka has not answered for {_SLOW_SECONDS} s, asked for {asked_for}"
    timer = asyncio.get_running_loop().call_later(_SLOW_SECONDS, health.mark_unready, component, sentence)
    try:
        yield
    finally:
        timer.cancel()


async def close_quietly(close: Callable[[], Awaitable[object]]) -> None:
    """Close a client. What keeps it from closing cleanly is logged; it is not waited for longer than 10 s."""
    try:
        async with asyncio.timeout(_CLOSING_SECONDS):
            await close()
    except (Exception, asyncio.CancelledError) as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task and task.cancelling():
            raise
        CLIENT_DISCARDED.say(because=type(error).__name__)


def _origin(error: BaseException) -> BaseException:
    """The error below those that aiokafka puts around it, which have no class of their own."""
    while type(error) is KafkaError and error.__cause__ is not None:
        error = error.__cause__
    return error


def _named(origin: BaseException) -> str:
    """With Kafka's own words; those of an assertion or the like inside its client may hold a value."""
    return repr(origin) if isinstance(origin, _OF_THE_CLIENT) else type(origin).__name__


def _is_kafkas(error: Exception) -> bool:
    """Whether it comes out of a client: of its own state, that raises assertions and the like too."""
    frames = (frame for frame, _ in traceback.walk_tb(error.__traceback__))
    return isinstance(error, _OF_THE_CLIENT) or any(_library(frame) in _CLIENTS for frame in frames)


def _library(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
