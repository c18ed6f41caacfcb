"""Tells a story on the terminal: each step is done, then what came of it is printed and checked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from tenure.story.driver import Driver
from tenure.story.observed import Mail, ObservedDeadLetter, ObservedEvent
from tenure.terminal import say

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
"""Fields of lifecycle events that are printed, where they are there."""


class CheckFailed(Exception):
    """Something is not as the story says."""


class Narrator:
    """`events`, `mails`, `messages` and `dead_letters` hold what the last step brought.

    `addresses`: account -> where its mails go; what is done is about the first account unless another is named.
    """

    def __init__(self, driver: Driver, addresses: Mapping[str, str]) -> None:
        self.driver = driver
        self._addresses = addresses
        self._account = next(iter(addresses))
        self._mails_seen = dict.fromkeys(addresses, 0)
        self._messages_seen = dict.fromkeys(addresses, 0)
        self.events: list[ObservedEvent] = []
        self.mails: list[Mail] = []
        self.messages: list[dict[str, Any]] = []
        self.dead_letters: list[ObservedDeadLetter] = []
        self.checks = 0

    async def at(self, day_and_time: str, title: str) -> None:
        """Move the clock to this moment of the billing zone, and show what happened until then."""
        moment = datetime.fromisoformat(day_and_time).replace(tzinfo=ZONE)
        say("")
        say((f"{moment:%a %d %b %Y, %H:%M}", "bold cyan"), "  ", (title, "bold"))
        await self.driver.advance(moment)
        await self._show()

    async def does(self, type_: str, **data: Any) -> None:
        """Publish one event about the account, and show what comes of it."""
        await self.driver.publish(type_, {"account_id": self._account, **data})
        _say_labelled("in", type_, "blue")
        await self.settle()

    async def settle(self) -> None:
        """Wait until all that was published has been dealt with, and show what came of it."""
        await self.driver.settle()
        await self._show()

    def check(self, sentence: str, truth: bool) -> None:
        """Print that it is so. Raises `CheckFailed`."""
        if not truth:
            say("  ", ("✗", "bold red"), f" {sentence}")
            raise CheckFailed(f"this did not come true: {sentence}\n{self._last_step()}")
        self.checks += 1
        say("  ", ("✓", "green"), f" {sentence}")

    def kinds(self) -> list[str]:
        """The kinds of the last step's lifecycle events."""
        return [event.kind for event in self.events]

    def only(self, kind: str) -> Mapping[str, Any]:
        """The data of the last step's one event of this kind. Raises `CheckFailed`."""
        found = [event.data for event in self.events if event.kind == kind]
        if len(found) != 1:
            raise CheckFailed(f"expected exactly one {kind}, but there were {len(found)}.\n{self._last_step()}")
        return found[0]

    def mailed(self) -> list[str]:
        """The kinds of the last step's mails."""
        return [mail.kind for mail in self.mails]

    def messaged(self) -> list[str]:
        """The kinds of the last step's internal messages."""
        return [message["kind"] for message in self.messages]

    def told(self) -> bool:
        """Whether the last step brought a mail or an internal message to anybody."""
        return bool(self.mails or self.messages)

    async def _show(self) -> None:
        self.events = await self.driver.new_events()
        self.dead_letters = await self.driver.new_dead_letters()
        self.mails, self.messages = [], []
        for account, address in self._addresses.items():
            await self._look_at(account, address)
        for event in self.events:
            _say_labelled("event", f"{event.time.astimezone(ZONE):%d %b %H:%M}  {_summary(event)}", "yellow")
        for mail in self.mails:
            _say_labelled("mail", mail.subject, "magenta")
        for message in self.messages:
            _say_labelled("inbox", message["title"], "magenta")
        for letter in self.dead_letters:
            _say_labelled("dead", f"{letter.reason}: {letter.detail}", "red")

    async def _look_at(self, account: str, address: str) -> None:
        mails = await self.driver.mails(address, after=self._mails_seen[account])
        inbox = await self.driver.inbox(account)
        self.mails += mails
        self.messages += inbox[self._messages_seen[account] :]
        self._mails_seen[account] += len(mails)
        self._messages_seen[account] = len(inbox)  # fewer than before, where the person was forgotten

    def _last_step(self) -> str:
        events = ", ".join(self.kinds()) or "none"
        return f"The last step brought these events: {events}; these mails: {', '.join(self.mailed()) or 'none'}."


def _say_labelled(label: str, text: str, style: str) -> None:
    say("  ", (f"{label:<6}", style), f" {text}")


def _summary(event: ObservedEvent) -> str:
    details = [f"{name} {event.data[name]}" for name in _DETAILS if event.data.get(name) is not None]
    return f"{event.kind:<22}{', '.join(details)}".rstrip()
