"""Telling a story aloud: each step is done, then what came of it is printed and checked.

Plain text; where the output is a terminal, the marks have a colour. A check that fails raises `Untrue`.
"""

import os
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tenure.story.driver import DeadLetter, Driver, Mail, ObservedEvent

ZONE: Final = ZoneInfo("Asia/Shanghai")
"""The billing zone of the policy that comes with Tenure."""
_DETAILS: Final = (
    "order_id",
    "method",
    "expires_on",
    "charged",
    "balance_after",
    "shortfall",
    "attempt",
    "days_left",
    "retained_until",
    "release_at",
    "code",
    "edition",
)
_GREEN, _RED, _BOLD, _PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[0m"


class Untrue(Exception):
    """Something is not as the story says."""


class Narrator:
    """`events`, `mails` and `messages` hold what the last step brought."""

    def __init__(self, driver: Driver, account: str, address: str) -> None:
        self.driver = driver
        self._account = account
        self._address = address
        self._mails_seen = 0
        self._messages_seen = 0
        self.events: list[ObservedEvent] = []
        self.mails: list[Mail] = []
        self.messages: list[dict[str, Any]] = []
        self.dead_letters: list[DeadLetter] = []
        self.checks = 0

    async def at(self, day_and_time: str, title: str) -> None:
        """Move the clock to this moment of the billing zone, and show what happened on the way."""
        moment = datetime.fromisoformat(day_and_time).replace(tzinfo=ZONE)
        print(f"\n{_styled(_BOLD, f'{moment:%a %d %b %Y, %H:%M}  {title}')}", flush=True)
        await self.driver.advance(moment)
        await self._show()

    async def does(self, type_: str, **data: Any) -> None:
        """Publish one event about the account, and show what comes of it."""
        await self.driver.publish(type_, {"account_id": self._account, **data})
        print(f"  in     {type_}", flush=True)
        await self.settle()

    async def settle(self) -> None:
        """Wait until all that was published has been dealt with, and show what came of it."""
        await self.driver.settle()
        await self._show()

    def check(self, sentence: str, truth: bool) -> None:
        """Say that it is so. Raises `Untrue`."""
        if not truth:
            print(f"  {_styled(_RED, '✗')} {sentence}", flush=True)
            raise Untrue(f"this did not come true: {sentence}\n{self._seen()}")
        self.checks += 1
        print(f"  {_styled(_GREEN, '✓')} {sentence}", flush=True)

    def kinds(self) -> list[str]:
        """What the last step's lifecycle events were."""
        return [event.kind for event in self.events]

    def only(self, kind: str) -> Mapping[str, Any]:
        """The data of the last step's one event of this kind. Raises `Untrue`."""
        found = [event.data for event in self.events if event.kind == kind]
        if len(found) != 1:
            raise Untrue(f"expected exactly one {kind}, but there were {len(found)}.\n{self._seen()}")
        return found[0]

    def mailed(self) -> list[str]:
        """The kinds of the last step's mails."""
        return [mail.kind for mail in self.mails]

    async def _show(self) -> None:
        self.events = await self.driver.new_events()
        self.dead_letters = await self.driver.new_dead_letters()
        self.mails = await self.driver.mails(self._address, after=self._mails_seen)
        self._mails_seen += len(self.mails)
        await self._look_into_inbox()
        lines = [f"  event  {event.time.astimezone(ZONE):%d %b %H:%M}  {_told(event)}" for event in self.events]
        lines += [f"  mail   {mail.subject}" for mail in self.mails]
        lines += [f"  inbox  {message['title']}" for message in self.messages]
        lines += [f"  dead   {letter.reason}: {letter.detail}" for letter in self.dead_letters]
        print("".join(f"{line}\n" for line in lines), end="", flush=True)

    async def _look_into_inbox(self) -> None:
        inbox = await self.driver.inbox(self._account)
        self.messages = inbox[self._messages_seen :]
        self._messages_seen = len(inbox)

    def _seen(self) -> str:
        events = ", ".join(self.kinds()) or "none"
        return f"The last step brought these events: {events}; these mails: {', '.join(self.mailed()) or 'none'}."


def _told(event: ObservedEvent) -> str:
    figures = [f"{name} {event.data[name]}" for name in _DETAILS if event.data.get(name) is not None]
    return f"{event.kind:<22}{', '.join(figures)}".rstrip()


def _styled(style: str, text: str) -> str:
    wanted = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return f"{style}{text}{_PLAIN}" if wanted else text
