"""MAIL, RCPT and DATA in one write (RFC 2920): each reply means what it means where they are sent one by one.

The table is that of `test_smtp_stages`, played by the same scripted relay, which offers PIPELINING here.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import StepMeaning
from shared.runtime.settings import Settings
from tests.kit.cases import cases
from tests.kit.relay import Answer, Instead, Script, ScriptedRelay
from tests.unit.notifier.test_smtp_stages import (
    HURRIED,
    MAIL,
    ROWS,
    D,
    I,
    L,
    R,
    Row,
    T,
    at,
    outcome,
    relay_with,
)

PIPELINING = "250-relay.example\r\n250 PIPELINING"
SEQUENCE = ["MAIL", "RCPT", "DATA"]
SURPLUS = {
    ("MAIL", "250 OK\r\n250 surplus"): T,
    ("RCPT", "250 OK\r\n"): T,
    ("RCPT", "250 OK\r\n250 surplus"): T,
    ("RCPT", "250 OK\r\n550 surplus"): R,
}
"""A reply that no command asked for is taken for the one to the next command, which was sent before; no mail is."""


def offering(script: Script) -> Script:
    return lambda command: PIPELINING if command.verb == "EHLO" else script(command)


@asynccontextmanager
async def pipelining_with(script: Script = lambda _: None) -> AsyncIterator[tuple[MailRelay, ScriptedRelay]]:
    async with relay_with(offering(script)) as both:
        yield both


STAGES = [("MAIL", 1), ("RCPT", 1), ("DATA", 2), (".", 3)]


@pytest.mark.slow
@pytest.mark.parametrize(("verb", "column"), STAGES)
@cases("row", ROWS)
async def test_an_answer_means_what_the_table_says_and_the_next_mail_is_in_step(
    row: Row, verb: str, column: int
) -> None:
    answer = row[0]
    expected = SURPLUS.get((verb, str(answer)), row[1 + column])
    async with pipelining_with(at(verb, answer)) as (relay, scripted):
        assert (await outcome(relay))[0] is expected
        assert len(scripted.accepted) == (expected is D)
        assert (await outcome(relay))[0] is D
        assert len(scripted.accepted) == 1 + (expected is D)


def refusing(**answers: Answer) -> Script:
    """Give these answers to the first mail's commands."""
    return lambda command: answers.pop(command.verb, None)


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"MAIL": "550 no", "RCPT": "503 no sender", "DATA": "503 no sender"}, R),
        ({"MAIL": "451 later", "RCPT": "503 no sender", "DATA": "503 no sender"}, L),
        ({"RCPT": "550 5.1.1 no such user", "DATA": "554 no valid recipients"}, R),
        ({"RCPT": "450 4.2.1 busy", "DATA": "451 no valid recipients"}, L),
        ({"DATA": "451 later"}, L),
    ],
)
async def test_after_a_refusal_the_replies_to_the_other_commands_are_read_and_the_connection_carries_the_next_mail(
    answers: dict[str, Answer], expected: StepMeaning
) -> None:
    async with pipelining_with(refusing(**answers)) as (relay, scripted):
        assert (await outcome(relay))[0] is expected
        assert (await outcome(relay))[0] is D
        assert scripted.connections == 1
        assert len(scripted.received) == 1


async def test_a_relay_that_waits_for_a_content_without_a_recipient_gets_none_not_even_an_empty_one() -> None:
    async with pipelining_with(refusing(RCPT="550 5.1.1 no such user", DATA="354 go ahead")) as (relay, scripted):
        assert (await outcome(relay))[0] is R
        assert (await outcome(relay))[0] is D
        assert scripted.connections == 2
        assert len(scripted.received) == 1


@pytest.mark.parametrize("then", [Instead.CLOSE, Instead.RESET, Instead.HANG, "garbage"])
async def test_a_refusal_stands_whatever_follows_it(then: Answer) -> None:
    async with pipelining_with(refusing(RCPT="550 5.1.1 no such user", DATA=then)) as (relay, scripted):
        assert await outcome(relay) == (R, "550 5.1.1 no such user")
        assert (await outcome(relay))[0] is D
        assert scripted.connections == 2


async def test_a_refusal_is_not_believed_where_the_replies_are_not_those_to_our_commands() -> None:
    async with pipelining_with(refusing(MAIL="250 OK\r\n550 5.1.1 of something else")) as (relay, scripted):
        assert (await outcome(relay))[0] is I
        assert (await outcome(relay))[0] is D
        assert len(scripted.received) == 1


async def test_a_kept_connection_that_was_given_up_costs_nothing() -> None:
    closing = iter((None, "421 4.4.2 idle for too long", None))
    script: Script = lambda command: next(closing) if command.verb == "MAIL" else None  # noqa: E731
    async with pipelining_with(script) as (relay, scripted):
        assert [(await outcome(relay))[0] for _ in range(2)] == [D, D]
        assert (scripted.connections, len(scripted.received)) == (2, 2)


async def test_what_is_raised_after_the_recipient_was_accepted_keeps_the_mail_from_being_sent() -> None:
    for looks in range(2):
        left = [None] * looks

        async def look(left: list[None] = left) -> None:
            left.pop()  # raises IndexError at the look that is to stop it

        async with pipelining_with() as (relay, scripted):
            with pytest.raises(IndexError):
                await relay.send(MAIL, look)
            assert (await outcome(relay))[0] is D
            assert (scripted.connections, len(scripted.received)) == (2, 1)


@pytest.mark.parametrize(("offer", "first"), [(PIPELINING, SEQUENCE), ("250 relay.example", ["MAIL"])])
async def test_only_a_relay_that_offers_it_gets_several_commands_at_once(offer: str, first: list[str]) -> None:
    got: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        await reader.readline()
        writer.write(offer.encode() + b"\r\n")
        got.extend(line.decode()[:4] for line in (await reader.read(4096)).splitlines())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        relay = MailRelay(Settings.model_validate({"smtp_port": port, "smtp_tls": "none"}), HURRIED)
        assert (await outcome(relay))[0] is I
        assert got == first
        await relay.close()
