"""What reaches a service's log: a library that repeats itself is heard seldom, everybody else always."""

import logging

import pytest

from shared.runtime.start import Seldom


def said(name: str, line: int, at: float) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "client.py", line, "Unable to connect to %s", ("1",), None)
    record.created = at
    return record


def test_a_library_that_tries_again_says_the_same_once_in_half_a_minute() -> None:
    seldom = Seldom("aiokafka")
    heard = [at for at in range(1000, 1090) if seldom.filter(said("aiokafka.client", 7, at))]
    assert heard == [1000, 1030, 1060]
    assert seldom.filter(said("aiokafka.client", 8, 1089))


@pytest.mark.parametrize("name", ["shared.runtime.retry", "aiokafkaesque"])
def test_whoever_else_repeats_himself_is_always_heard(name: str) -> None:
    seldom = Seldom("aiokafka")
    assert all(seldom.filter(said(name, 7, at)) for at in (1000, 1000, 1001))
