"""What each reply, silence or break means at each stage: every row of the table, played by a scripted relay."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.replies import REPLY_BYTES
from notifier_service.delivery.smtp.stages import MEANINGS, SECONDS, RelayEvent, Stage, StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.settings import Settings
from tests.kit.cases import cases
from tests.kit.relay import Answer, Instead, Script, ScriptedRelay, scripted_relay

MAIL = Mail(notification_id="ntf-1", recipient="ada@example.com", content=b"Subject: hello\r\n\r\nhello\r\n")
HURRIED = dict.fromkeys(Stage, 0.3)

D, L, R = StepMeaning.DELIVERED, StepMeaning.TRY_LATER, StepMeaning.REFUSED
T, I, U = StepMeaning.TRIED, StepMeaning.INTERRUPTED, StepMeaning.UNREACHABLE  # noqa: E741 - one letter per column

Row: TypeAlias = tuple[Answer, StepMeaning, StepMeaning, StepMeaning, StepMeaning]

# The relay's answer, and what becomes of the mail where it gives that answer to the greeting or EHLO, to MAIL or RCPT,
# to DATA, and after the final dot.
ROWS: list[Row] = [
    ("150 soon", U, I, T, T),
    ("199 soon", U, I, T, T),
    ("200 hm", D, D, T, D),
    ("250 2.0.0 OK", D, D, T, D),
    ("251 will forward", D, D, T, D),
    ("252 cannot verify", D, D, T, D),
    ("334 go on", U, I, T, T),
    ("354 go ahead", U, I, D, T),
    ("421 4.3.2 closing", U, L, L, L),
    ("450 4.2.1 busy", U, L, L, L),
    ("451 4.3.0 later", U, L, L, L),
    ("452 4.2.2 full", U, L, L, L),
    ("499 odd", U, L, L, L),
    ("503 bad sequence", U, I, T, T),
    ("530 5.7.0 log in first", U, U, U, U),
    ("535 5.7.8 wrong", U, U, U, U),
    ("550 5.1.1 no such user", U, R, R, R),
    ("552 5.2.2 too large", U, R, R, R),
    ("553 not an address", U, R, R, R),
    ("554 5.7.1 no", U, R, R, R),
    ("599 odd", U, R, R, R),
    ("600 beyond", U, I, T, T),
    ("abc def", U, I, T, T),
    ("", U, I, T, T),
    ("OK", U, I, T, T),
    ("2500 OK", U, I, T, T),
    (" 250 OK", U, I, T, T),
    ("250-OK\r\n550 no", U, I, T, T),
    ("550-no\r\n250 OK", U, I, T, T),
    ("354-go\r\n250 ahead", U, I, T, T),
    ("x" * (REPLY_BYTES + 1), U, I, T, T),
    (b"250 " + b"x" * REPLY_BYTES, U, I, T, T),
    (b"250-x\r\n" * REPLY_BYTES, U, I, T, T),
    (b"\xff\xfe\r\n", U, I, T, T),
    ("250 OK\r\n250 surplus", U, I, T, D),
    ("250 OK\r\n550 surplus", U, I, T, D),
    ("250 OK\r\n", U, I, T, D),
    ("354 go\r\n250 surplus", U, I, T, T),
    (b"250", U, I, T, T),
    (b"250-OK\r\n250", U, I, T, T),
    (Instead.CLOSE, U, I, T, T),
    (Instead.RESET, U, I, T, T),
    (Instead.HANG, U, I, T, T),
]
SILENT = (b"250", b"250-OK\r\n250", Instead.HANG)
"""Answers that never end: the time for them has to run out."""
UNKNOWN_COMMAND = {row[0] for row in ROWS if str(row[0]).startswith("55") and "\r" not in str(row[0])} | {"599 odd"}
STAGES = [("CONNECT", 0), ("EHLO", 0), ("MAIL", 1), ("RCPT", 1), ("DATA", 2), (".", 3)]


@asynccontextmanager
async def relay_with(script: Script) -> AsyncIterator[tuple[MailRelay, ScriptedRelay]]:
    async with scripted_relay(script) as scripted:
        settings = Settings.model_validate({"smtp_port": scripted.port, "smtp_tls": "none", "smtp_connections": 1})
        relay = MailRelay(settings, HURRIED)
        try:
            yield relay, scripted
        finally:
            await relay.close()


async def nothing() -> None:
    """Before `DATA` there is nothing to look at."""


async def outcome(relay: MailRelay) -> tuple[StepMeaning, str]:
    """What became of the mail, and the reason that is kept."""
    try:
        attempted = await relay.send(MAIL, nothing)
    except RelayUnreachable as unreachable:
        return StepMeaning.UNREACHABLE, str(unreachable)
    return attempted.meaning, attempted.reason


def code_of(answer: Answer) -> str:
    """What a reply begins with; empty for what is none."""
    text = answer.decode("latin-1") if isinstance(answer, bytes) else answer
    return text[:3] if isinstance(text, str) else ""


def at(verb: str, answer: Answer) -> Script:
    """Give this answer to the first command of the kind."""
    left = [answer]
    return lambda command: left.pop() if command.verb == verb and left else None


@pytest.mark.slow
@cases(("verb", "column"), STAGES)
@cases("row", [row for row in ROWS if row[0] not in SILENT])
async def test_an_answer_means_what_the_table_says_and_the_next_mail_is_in_step(
    row: Row, verb: str, column: int
) -> None:
    await is_as_the_table_says(row, verb, column)


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "column"), STAGES)
@cases("row", [row for row in ROWS if row[0] in SILENT])
async def test_an_answer_that_never_ends_means_what_the_table_says(row: Row, verb: str, column: int) -> None:
    await is_as_the_table_says(row, verb, column)


async def is_as_the_table_says(row: Row, verb: str, column: int) -> None:
    answer, expected = row[0], row[1 + column]
    if verb == "EHLO" and answer in UNKNOWN_COMMAND:
        expected = D  # after HELO
    async with relay_with(at(verb, answer)) as (relay, scripted):
        found, reason = await outcome(relay)
        assert found is expected
        given = {code_of(answer), *(["250"] if expected is D else [])}
        assert set(re.findall(r"\b[0-9]{3}\b", reason)) <= given, "a reply that the relay did not give"
        assert len(scripted.accepted) == (expected is D)
        assert (await outcome(relay))[0] is D
        assert len(scripted.accepted) == 1 + (expected is D)


def test_the_table_has_a_meaning_and_a_time_for_every_stage_and_event() -> None:
    assert {stage: set(row) for stage, row in MEANINGS.items()} == {stage: set(RelayEvent) for stage in Stage}
    assert set(SECONDS) == set(Stage)


def test_the_document_has_the_same_table() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text("utf-8")
    for stage, row in MEANINGS.items():
        meanings = [row[event].name.lower().replace("_", " ") for event in RelayEvent]
        assert f"| {stage.value} | {' | '.join(meanings)} |" in text


def test_only_a_2xx_after_the_final_dot_delivers() -> None:
    delivering = [(stage, event) for stage, row in MEANINGS.items() for event in row if row[event] is D]
    assert delivering == [(Stage.CONTENT, RelayEvent.ACCEPTED)]


def test_what_breaks_costs_an_attempt_exactly_since_data() -> None:
    for event in (RelayEvent.BREAK, RelayEvent.SILENCE, RelayEvent.OUT_OF_STEP):
        assert {stage for stage, row in MEANINGS.items() if row[event] is T} == {Stage.DATA, Stage.CONTENT}


@cases(
    ("verb", "answer", "reason"),
    [
        ("RCPT", "550-5.1.1 <ada@example.com>\r\n550 5.1.1 no such user", "550 5.1.1 <[address]> 5.1.1 no such user"),
        (".", "250 2.0.0 queued for ada as 7", "250 2.0.0 queued for [address] as 7"),
        (".", Instead.CLOSE, "the connection broke (at the final dot)"),
        ("DATA", Instead.HANG, "the relay did not reply in time (at DATA)"),
        ("RCPT", "abc ada@example.com", "the relay's replies are out of step (at RCPT)"),
    ],
)
async def test_the_reason_is_the_relays_reply_or_what_happened_instead(verb: str, answer: Answer, reason: str) -> None:
    async with relay_with(at(verb, answer)) as (relay, _):
        attempted = await relay.send(MAIL, nothing)
        assert isinstance(attempted, Attempted)
        assert attempted.reason == reason


@pytest.mark.parametrize(
    ("verb", "answer", "reason"),
    [
        (
            "CONNECT",
            "554 5.7.1 ada@example.com is not welcome",
            "the relay refuses the greeting: 554 5.7.1 [address] is",
        ),
        ("CONNECT", Instead.CLOSE, "the connection broke (at the greeting)"),
        ("MAIL", "530 5.7.0 log in first", "the relay refuses MAIL: 530 5.7.0 log in first"),
    ],
)
async def test_an_unreachable_relay_says_where_and_why(verb: str, answer: Answer, reason: str) -> None:
    async with relay_with(at(verb, answer)) as (relay, _):
        with pytest.raises(RelayUnreachable) as unreachable:
            await relay.send(MAIL, nothing)
        assert str(unreachable.value).startswith(reason)
