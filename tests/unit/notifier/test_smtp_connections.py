"""Connections to the relay: kept, replaced, limited; what a mail's content can do to them; and the last look."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.smtp.limit import RAISE_SECONDS, ConnectionLimit
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import SECONDS, Stage, StepMeaning
from notifier_service.delivery.smtp.transmission import PATIENT_DELIVERIES, wire_format
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.settings import Settings
from tests.kit.cases import cases
from tests.kit.relay import After, Answer, Instead, Script, ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.waiting import eventually

CONTENT = b"Subject: hello\r\n\r\nhello\r\n"


@asynccontextmanager
async def relay_with(
    script: Script = lambda _: None, *, most: int | None = None, **more: Any
) -> AsyncIterator[tuple[MailRelay, ScriptedRelay]]:
    seconds = {**SECONDS, **more.pop("seconds", {})}
    async with scripted_relay(script, most=most) as scripted:
        settings = Settings.model_validate({"smtp_port": scripted.port, "smtp_tls": "none", **more})
        relay = MailRelay(settings, seconds)
        try:
            yield relay, scripted
        finally:
            await relay.close()


async def nothing() -> None:
    """Before `DATA` there is nothing to look at."""


async def send(relay: MailRelay, recipient: str = "ada@example.com", content: bytes = CONTENT) -> Attempted:
    return await relay.send(Mail(notification_id="ntf-1", recipient=recipient, content=content), nothing)


def for_recipients(prefix: str, verb: str, answer: Answer) -> Script:
    return lambda command: answer if command.verb == verb and command.recipient.startswith(prefix) else None


def once(verb: str, answer: Answer) -> Script:
    left = [answer]
    return lambda command: left.pop() if command.verb == verb and left else None


async def test_one_connection_carries_many_mails_one_after_the_other() -> None:
    async with relay_with() as (relay, scripted):
        for number in range(5):
            assert (await send(relay, f"r{number}@example.com")).meaning is StepMeaning.DELIVERED
        assert scripted.connections == 1
        assert scripted.recipients == [f"r{number}@example.com" for number in range(5)]


async def test_a_connection_that_is_in_use_at_the_close_is_closed_when_it_comes_back() -> None:
    async with relay_with() as (relay, scripted):
        mail = Mail(notification_id="ntf-1", recipient="ada@example.com", content=CONTENT)
        assert (await relay.send(mail, relay.close)).meaning is StepMeaning.DELIVERED
        await eventually(lambda: is_left_alone(scripted))


async def test_after_the_close_no_connection_is_opened_or_left_half_open() -> None:
    async with relay_with(once("EHLO", After(0.5, "250 relay.example"))) as (relay, scripted):
        sending = asyncio.create_task(send(relay))
        await eventually(lambda: has_opened(scripted))
        await relay.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sending, 1)
        assert scripted.connections == 1
        await eventually(lambda: is_left_alone(scripted))


async def has_opened(scripted: ScriptedRelay) -> bool:
    return scripted.open == 1


async def is_left_alone(scripted: ScriptedRelay) -> bool:
    return scripted.open == 0


async def test_a_refused_mail_leaves_the_connection_for_the_next_one_after_rset() -> None:
    async with relay_with(for_recipients("gone", "RCPT", "550 5.1.1 no such user")) as (relay, scripted):
        assert (await send(relay, "gone@example.com")).meaning is StepMeaning.REFUSED
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        commands = [line.split(":")[0].split(" ")[0] for _, line in scripted.commands]
        assert commands == ["EHLO", "MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"]


async def test_what_breaks_after_data_is_sent_once_though_idle_connections_wait() -> None:
    async with relay_with(for_recipients("bad", ".", Instead.CLOSE)) as (relay, scripted):
        await asyncio.gather(*(send(relay, f"good{number}@example.com") for number in range(8)))
        assert scripted.open > 1
        assert (await send(relay, "bad@example.com")).meaning is StepMeaning.TRIED
        assert scripted.received.count("bad@example.com") == 1


@pytest.mark.parametrize(
    "goodbye", [b"421 4.4.2 idle for too long\r\n", b"250 2.0.0 surplus\r\n", b"\r\n", b"abc def\r\n"]
)
async def test_a_kept_connection_on_which_something_has_come_is_replaced(goodbye: bytes) -> None:
    async with relay_with() as (relay, scripted):
        await send(relay, "one@example.com")
        scripted.say_to_all(goodbye)
        await asyncio.sleep(0.05)
        assert (await send(relay, "two@example.com")).meaning is StepMeaning.DELIVERED
        assert scripted.connections == 2
        assert scripted.recipients == ["one@example.com", "two@example.com"]


@pytest.mark.parametrize("answer", [Instead.CLOSE, Instead.RESET, "421 4.4.2 idle for too long", "503 out of step"])
async def test_a_kept_connection_that_the_relay_has_given_up_costs_the_next_mail_nothing(answer: Answer) -> None:
    async with relay_with(
        lambda command: answer if command.verb == "MAIL" and command.mails == command.connection else None
    ) as (
        relay,
        scripted,
    ):
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        assert (scripted.connections, len(scripted.accepted)) == (2, 2)


async def test_a_relay_that_closes_after_each_mail_gets_them_all() -> None:
    def closes(command: SmtpCommand) -> Answer:
        return Instead.CLOSE if command.verb == "MAIL" and command.mails >= command.connection else None

    async with relay_with(closes, smtp_connections=1) as (relay, _):
        results = [await send(relay) for _ in range(5)]
        assert {result.meaning for result in results} == {StepMeaning.DELIVERED}


@cases(
    "content",
    [
        b"RSET\r\n",
        b"QUIT",
        b".\r\nMAIL FROM:<evil@example.com>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nhello\r\n.\r\n",
        b"one\n.\nMAIL FROM:<evil@example.com>\n",
        b"one\r.\rMAIL FROM:<evil@example.com>\r",
        b"one\r\n.\nMAIL FROM:<evil@example.com>\r\n",
        b"one\n.\r\nMAIL FROM:<evil@example.com>\r\n",
        b"\r\n.\r\n",
        b".",
        b"..",
        b"",
        b"one\r\n\r\n\r\n",
    ],
)
async def test_content_is_never_taken_for_a_command(content: bytes) -> None:
    async with relay_with() as (relay, scripted):
        assert (await send(relay, content=content)).meaning is StepMeaning.DELIVERED
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        assert [line.split(" ")[0] for _, line in scripted.commands] == ["EHLO"] + 2 * ["MAIL", "RCPT", "DATA"]
        stored = b"\r\n".join(line.removeprefix(b".") for line in scripted.accepted[0][1].split(b"\r\n"))
        lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        assert stored.split(b"\r\n")[: len(lines)] == lines


async def test_a_mail_of_commands_is_not_sent_to_a_relay_that_does_not_ask_for_it() -> None:
    async with relay_with(once("DATA", "250 2.0.0 OK")) as (relay, scripted):
        assert (await send(relay, content=b"RSET\r\n")).meaning is StepMeaning.TRIED
        assert "RSET" not in [line for _, line in scripted.commands]


def test_a_large_mail_is_written_in_linear_time() -> None:
    began = time.perf_counter()
    assert wire_format(b".\n" * 500_000) == b"..\r\n" * 500_000 + b".\r\n"
    assert time.perf_counter() - began < 30


@cases(
    "recipient", ["a@b.c>\r\nDATA", "a@b.c> SIZE=1", "a<b@c.d", "a b@c.d", "ü@example.com", "a@b.c\x00", "", "a@b.c\n"]
)
async def test_an_address_cannot_add_to_a_command(recipient: str) -> None:
    async with relay_with() as (relay, scripted):
        with pytest.raises(ValueError, match="cannot be written"):
            await send(relay, recipient)
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        assert [line for _, line in scripted.commands if "RCPT" in line] == ["RCPT TO:<ada@example.com>"]


async def test_a_relay_that_takes_two_connections_refuses_one_and_gets_all_mails() -> None:
    async with relay_with(most=2) as (relay, scripted):
        results = await asyncio.gather(*(send(relay, f"r{number}@example.com") for number in range(60)))
        assert {result.meaning for result in results} == {StepMeaning.DELIVERED}
        assert len(scripted.accepted) == 60
        assert scripted.refused <= 1


@pytest.mark.parametrize("most", [1, 3, 8])
async def test_no_more_connections_are_opened_than_the_setting_says(most: int) -> None:
    async with relay_with(smtp_connections=most) as (relay, scripted):
        await asyncio.gather(*(send(relay) for _ in range(40)))
        assert 1 <= scripted.most_open <= most


async def test_a_limit_that_was_learned_rises_by_one_per_minute() -> None:
    limit = ConnectionLimit()
    assert limit.value(0) > 32
    limit.refused(2, 100)
    assert [limit.value(100 + seconds) for seconds in (0, RAISE_SECONDS - 0.1, RAISE_SECONDS, 3 * RAISE_SECONDS)] == [
        2,
        2,
        3,
        5,
    ]
    limit.refused(0, 200)
    assert limit.value(200) == 1


async def test_a_relay_that_refuses_every_connection_is_unreachable() -> None:
    async with relay_with(most=0) as (relay, _):
        with pytest.raises(RelayUnreachable, match="421"):
            await send(relay)


async def test_a_mail_takes_over_a_connection_that_is_free_before_another_is_opened() -> None:
    def slow(command: SmtpCommand) -> Answer:
        return Instead.HANG if command.verb == "CONNECT" and command.connection > 1 else None

    async with relay_with(slow) as (relay, scripted):
        results = await asyncio.gather(*(send(relay) for _ in range(20)))
        assert {result.meaning for result in results} == {StepMeaning.DELIVERED}
        assert scripted.connections == 2


@pytest.mark.slow
async def test_only_some_deliveries_wait_long_for_the_reply_to_the_final_dot() -> None:
    script = for_recipients("bad", ".", Instead.HANG)
    async with relay_with(script, smtp_connections=32, seconds={Stage.CONTENT: 2.0}) as (relay, _):
        began = time.monotonic()
        waited: list[float] = []

        async def hang() -> None:
            assert (await send(relay, "bad@example.com")).meaning is StepMeaning.TRIED
            waited.append(time.monotonic() - began)

        await asyncio.gather(*(hang() for _ in range(2 * PATIENT_DELIVERIES)))
        assert waited[PATIENT_DELIVERIES] - waited[PATIENT_DELIVERIES - 1] > 1


class Stopped(Exception):
    """What the last look raises."""


@pytest.mark.parametrize("look", [1, 2])
async def test_a_mail_that_must_not_be_sent_any_more_is_not_accepted_by_the_relay(look: int) -> None:
    checks = 0

    async def stop() -> None:
        nonlocal checks
        checks += 1
        if checks == look:
            raise Stopped

    async with relay_with() as (relay, scripted):
        with pytest.raises(Stopped):
            await relay.send(Mail(notification_id="ntf-1", recipient="ada@example.com", content=CONTENT), stop)
        assert (await send(relay, "next@example.com")).meaning is StepMeaning.DELIVERED
        assert scripted.recipients == ["next@example.com"]
        assert [line for _, line in scripted.commands].count("DATA") == look


async def test_a_cancelled_delivery_gives_its_place_to_the_next_one() -> None:
    async with relay_with(for_recipients("bad", ".", Instead.HANG), smtp_connections=1) as (relay, scripted):
        hanging = asyncio.create_task(send(relay, "bad@example.com"))
        waiting = asyncio.create_task(send(relay, "never@example.com"))
        await eventually(lambda: has_received(scripted, 1))
        waiting.cancel()
        hanging.cancel()
        await asyncio.gather(hanging, waiting, return_exceptions=True)
        assert (await send(relay, "good@example.com")).meaning is StepMeaning.DELIVERED


async def test_the_check_finds_a_relay_that_takes_connections_and_says_nothing() -> None:
    async with relay_with(lambda _: Instead.HANG, seconds={Stage.GREETING: 0.3}) as (relay, _):
        with pytest.raises(RelayUnreachable, match="the relay did not reply in time"):
            await relay.check()


async def test_a_check_opens_one_connection_which_the_first_mail_takes() -> None:
    async with relay_with() as (relay, scripted):
        await relay.check()
        await relay.check()
        await send(relay)
        assert scripted.connections == 1


async def has_received(relay: ScriptedRelay, count: int) -> bool:
    return len(relay.received) >= count
