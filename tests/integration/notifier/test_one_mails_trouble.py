"""Emails at which the relay breaks or hangs: only they wait, and each is sent once per attempt."""

import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

import pytest

from shared.runtime.settings import Settings
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RELAY, RunningNotifier, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.relay import Answer, Instead, Script, ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.waiting import BUSY, eventually

MAILS = 300
COUNTED, NOT_COUNTED = 1, 0


class Trouble(NamedTuple):
    """At so many mails the relay gives this answer; `attempts`: how many are counted for each."""

    mails: int
    verb: str
    answer: Answer
    attempts: int


@pytest.mark.rule("G3")
@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(5, ".", Instead.CLOSE, COUNTED),
        Trouble(5, "DATA", Instead.RESET, COUNTED),
        Trouble(5, ".", "abc def", COUNTED),
        Trouble(5, "RCPT", Instead.CLOSE, NOT_COUNTED),
        Trouble(8, ".", Instead.HANG, NOT_COUNTED),
        Trouble(8, "RCPT", Instead.HANG, NOT_COUNTED),
    ],
)
async def test_the_other_emails_are_delivered_as_fast_as_without_them(
    settings: Settings, environment: Environment, trouble: Trouble
) -> None:
    async with (
        scripted_relay(at_bad(trouble.verb, trouble.answer)) as relay,
        notifier_with(settings, relay) as notifier,
    ):
        usual = await seconds_to_deliver(environment, relay, [account() for _ in range(MAILS)])
        poisoned = [f"bad-{account()}" for _ in range(trouble.mails)]
        good = [account() for _ in range(MAILS - trouble.mails)]
        mixed = [*good[:10], *poisoned, *good[10:]]
        took = await seconds_to_deliver(environment, relay, mixed, expected=good)
        assert took < 3 * usual + BUSY
        assert (await notifier.client.get("/ready")).json()["troubles"].get(RELAY) is None
        for who in poisoned:
            ((_, status, _),) = await notifier.status(who)
            assert status == "queued"
            (email,) = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
            assert email["attempts"] == trouble.attempts
        sent = [recipient for recipient in relay.received if recipient.startswith("bad")]
        assert len(sent) == len(set(sent))


@pytest.mark.rule("G3")
async def test_what_broke_after_data_waits_a_minute_of_the_service_clock_and_says_why(
    settings: Settings, environment: Environment
) -> None:
    who = f"bad-{account()}"
    async with scripted_relay(at_bad(".", Instead.CLOSE)) as relay, notifier_with(settings, relay) as notifier:
        await environment.publish(event("activated", who, 1, contact=to(who)))
        await eventually(lambda: is_recorded(notifier, who, 1))
        assert await notifier.status(who) == [("activated", "queued", "the connection broke (at the final dot)")]
        (email,) = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
        assert email["next_attempt_at"] > email["created_at"]
        assert relay.received == [to(who)["email"]]


async def test_a_relay_that_takes_two_connections_is_asked_for_few_more(
    settings: Settings, environment: Environment
) -> None:
    async with scripted_relay(most=2) as relay, notifier_with(settings, relay) as notifier:
        who = [account() for _ in range(60)]
        await seconds_to_deliver(environment, relay, who)
        await eventually(notifier.nothing_is_queued)
        assert relay.refused <= 3
        assert {status for one in who for _, status, _ in await notifier.status(one)} == {"delivered"}


def at_bad(verb: str, answer: Answer) -> Script:
    def script(command: SmtpCommand) -> Answer:
        return answer if command.verb == verb and command.recipient.startswith("bad") else None

    return script


def notifier_with(settings: Settings, relay: ScriptedRelay) -> AbstractAsyncContextManager[RunningNotifier]:
    return running_notifier(settings.model_copy(update={"smtp_port": relay.port}))


def to(who: str) -> dict[str, str]:
    return CONTACT | {"email": f"{who}@example.com"}


async def seconds_to_deliver(
    environment: Environment, relay: ScriptedRelay, accounts: Sequence[str], expected: Sequence[str] | None = None
) -> float:
    """How long it takes until the relay has a mail to each of the `expected` accounts."""
    began = time.monotonic()
    await environment.publish(*(event("activated", who, 1, contact=to(who)) for who in accounts))
    wanted = {f"{who}@example.com" for who in expected or accounts}
    await eventually(lambda: has_all(relay, wanted), seconds=90)
    return time.monotonic() - began


async def has_all(relay: ScriptedRelay, wanted: set[str]) -> bool:
    return wanted <= set(relay.recipients)


async def is_recorded(notifier: RunningNotifier, who: str, attempts: int) -> bool:
    emails = [one for one in await notifier.decisions(who) if one["channel"] == "email"]
    return any(one["attempts"] == attempts and not one["under_way"] for one in emails)
