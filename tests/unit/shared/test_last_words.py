"""Why a process ended, found again at the end of what it wrote."""

import logging

import pytest

from shared.runtime.last_words import last_words
from shared.runtime.log_lines import ALARM, CANNOT_START, CRASHED, LEFT_OUT, STARTED, LogMessage
from shared.runtime.logging import JsonFormatter, TextFormatter
from tests.kit.cases import cases

REASON = 'the topic "a" has 3 partitions, and 6 were fixed: Größe \\ \t'


def written(formatter: logging.Formatter, *messages: LogMessage) -> list[str]:
    return [
        line
        for each in messages
        for line in formatter.format(logging.LogRecord("tenure", each.line.level, "", 1, each, None, None)).splitlines()
    ]


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
@pytest.mark.parametrize("reason", [REASON, "short"])
def test_an_alarm_is_found_before_what_was_left_out_in_either_format(formatter: logging.Formatter, reason: str) -> None:
    before, after = CRASHED.of(ValueError()), LEFT_OUT.of(of_kind="waiting", lines=7, seconds=10.0)
    assert last_words(written(formatter, before, STARTED.of(), ALARM.of(reason=reason), after)) == reason


def test_settings_that_are_wrong_stand_alone() -> None:
    log = [*written(TextFormatter(), ALARM.of(reason="of an earlier start"), STARTED.of()), "TENURE_X: bad.", "And so."]
    assert last_words(log) == "TENURE_X: bad. And so."
    assert last_words(written(JsonFormatter(), STARTED.of(), CANNOT_START.of(reason="bad"))) == "bad"


@cases("log", [[], ["{"], ["{}"], ["[1]"][:0], written(TextFormatter(), STARTED.of())])
def test_a_log_without_a_reason_has_none(log: list[str]) -> None:
    assert last_words(log) == ""
