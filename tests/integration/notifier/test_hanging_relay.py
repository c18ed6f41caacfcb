"""A relay that hangs at some mails: the others are handed over meanwhile."""

import asyncio
import time
from collections.abc import Callable

import pytest

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.smtp.pool import HANGING_SECONDS
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import StepMeaning
from shared.runtime.settings import Settings
from tests.kit.relay import Answer, Instead, ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.waiting import BUSY, eventually


async def nothing() -> None:
    """Before `DATA` there is nothing to look at."""


async def send(relay: MailRelay, recipient: str) -> Attempted:
    return await relay.send(
        Mail(notification_id="ntf-1", recipient=recipient, content=b"Subject: hello\r\n\r\nhello\r\n"), nothing
    )


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
async def test_mails_at_which_the_relay_hangs_do_not_hold_up_the_next_one(verb: str) -> None:
    def hangs(command: SmtpCommand) -> Answer:
        return (
            Instead.HANG
            if command.verb == verb and (command.recipient.startswith("bad") or verb == "MAIL") and left()
            else None
        )

    left = count_down(8)
    async with scripted_relay(hangs) as scripted:
        relay = MailRelay(Settings.model_validate({"smtp_port": scripted.port, "smtp_tls": "none"}))
        hanging = [asyncio.create_task(send(relay, f"bad{number}@example.com")) for number in range(8)]
        await eventually(lambda: has_opened(scripted, 8))
        began = time.monotonic()
        assert (await send(relay, "good@example.com")).meaning is StepMeaning.DELIVERED
        assert time.monotonic() - began < HANGING_SECONDS + BUSY
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)
        await relay.close()


def count_down(times: int) -> Callable[[], bool]:
    """True so many times."""
    numbers = iter(range(times))
    return lambda: next(numbers, None) is not None


async def has_opened(relay: ScriptedRelay, count: int) -> bool:
    return relay.open >= count
