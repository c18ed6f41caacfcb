"""A mail relay that breaks after `DATA` at five recipients while events flow: only those five wait, and nobody else."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Final

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import TEST_CLOCK, TEST_CLOCK_SETTLED
from tests.faults.flow import EVENTS_PER_ACCOUNT, audit_is_clean, each_event_counted_once, feed, published_once
from tests.kit.events import START, event
from tests.kit.relay import Answer, Instead, ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.stack import RunningStack, running_stack
from tests.kit.topics import read_topic
from tests.kit.waiting import eventually

EVENTS: Final = 600
MAILS_PER_ACCOUNT: Final = 2
BREAKS: Final[Mapping[str, tuple[str, Answer]]] = {
    "flow-20@example.com": (".", Instead.CLOSE),
    "flow-21@example.com": (".", Instead.RESET),
    "flow-22@example.com": ("DATA", Instead.RESET),
    "flow-23@example.com": (".", "abc def"),
    "flow-24@example.com": (".", Instead.HANG),
}
"""Recipient -> at which stage of its mails, and what the relay does instead of a reply."""
RECIPIENTS: Final = [f"flow-{number}@example.com" for number in range(EVENTS // EVENTS_PER_ACCOUNT)]


class Breaking:
    """The relay's script: it breaks at the five recipients until it `is_well`."""

    is_well = False

    def __call__(self, command: SmtpCommand) -> Answer:
        verb, answer = BREAKS.get(command.recipient, ("", None))
        return answer if command.verb == verb and not self.is_well else None


@pytest.mark.faults
@pytest.mark.rule("G1", "G2", "G3")
@pytest.mark.timeout(600)
async def test_only_the_five_recipients_wait_at_whose_mails_the_relay_breaks_after_data(tmp_path: Path) -> None:
    script = Breaking()
    async with (
        scripted_relay(script) as relay,
        running_stack(tmp_path, "--smtp", f"127.0.0.1:{relay.port}") as stack,
    ):
        await asyncio.gather(feed(stack, EVENTS, per_second=15), _mail_is_never_in_trouble(stack, relay))
        assert await published_once(stack, EVENTS) == MAILS_PER_ACCOUNT * len(RECIPIENTS)
        assert Counter(relay.recipients) == {each: MAILS_PER_ACCOUNT for each in RECIPIENTS if each not in BREAKS}
        assert tried(relay) == dict.fromkeys(BREAKS, MAILS_PER_ACCOUNT)
        script.is_well = True
        await advance_clock(stack, timedelta(hours=1))
        assert Counter(relay.recipients) == dict.fromkeys(RECIPIENTS, MAILS_PER_ACCOUNT)
        assert tried(relay) == dict.fromkeys(BREAKS, 2 * MAILS_PER_ACCOUNT)
        ids = [message_from_bytes(content)["Message-ID"] for _, content in relay.accepted]
        assert len(set(ids)) == len(ids)
        await each_event_counted_once(stack, EVENTS)
        await audit_is_clean(stack)


async def _mail_is_never_in_trouble(stack: RunningStack, relay: ScriptedRelay) -> None:
    """Until every mail has been sent that can be: one recipient's trouble is not the relay's."""
    expected = MAILS_PER_ACCOUNT * (len(RECIPIENTS) - len(BREAKS))

    async def all_others_are_sent() -> bool:
        assert "mail" not in await stack.troubles("notifier")
        return len(relay.accepted) >= expected and sum(tried(relay).values()) >= MAILS_PER_ACCOUNT * len(BREAKS)

    await eventually(all_others_are_sent, 180)


def tried(relay: ScriptedRelay) -> Counter[str]:
    """How often a mail to each of the five was begun."""
    begun = (line.partition("<")[2].partition(">")[0] for _, line in relay.commands if line.upper().startswith("RCPT"))
    return Counter(recipient for recipient in begun if recipient in BREAKS)


async def advance_clock(stack: RunningStack, by: timedelta) -> None:
    """Move the test clock, and wait until both services have done all that is due by then."""
    now = (START + by).isoformat()
    advance = event("clock.advanced", START, account_id="test", now=now)
    async with AIOKafkaProducer(bootstrap_servers=stack.ready["kafka"]) as producer:
        await producer.send_and_wait(TEST_CLOCK, json.dumps(advance).encode(), partition=0)

    async def both_have_settled() -> bool:
        records = await read_topic(stack.ready["kafka"], TEST_CLOCK_SETTLED)
        settled = [json.loads(record.value)["data"] for record in records]
        services = {each["service"] for each in settled if each["advance_id"] == advance["id"]}
        return services == {"subscription", "notifier"}

    await eventually(both_have_settled, 240)
