"""The kinds of death. Each strikes a stack and says how what only hangs is woken afterwards."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import psutil

from benchmarks.recovery.recovery_stack import RecoveryStack
from tenure.local.part import Part

Heal: TypeAlias = Callable[[], None]
Choose: TypeAlias = Callable[[RecoveryStack], Awaitable[Part]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """`copies`: of each service; `choose`: what dies; `freezes`: it is stopped (SIGSTOP) instead of killed.

    `mails_in_hand`: so many mails it has leased, and cannot deliver. `decision_within`, `mail_within`: seconds that
    are wanted until the last partition is decided again and until the first mail, or None.
    """

    name: str
    copies: int
    choose: Choose
    freezes: bool = False
    mails_in_hand: int = 0
    decision_within: float | None = None
    mail_within: float | None = None

    async def strike(self, victim: Part) -> Heal:
        """Kill or freeze it; what has to be called in the end."""
        if not self.freezes:
            await victim.kill()
            return _nothing
        process = psutil.Process(victim.pid)
        process.suspend()
        heal: Heal = process.resume
        return heal


async def _a_copy(service: str, stack: RecoveryStack) -> Part:
    return random.choice(stack.copies(service))


async def _leader(stack: RecoveryStack) -> Part:
    return await stack.leader()


async def _broker(stack: RecoveryStack) -> Part:
    return _embedded(stack.local.kafka)


async def _database(stack: RecoveryStack) -> Part:
    return _embedded(stack.local.postgres)


def _embedded(part: Part | None) -> Part:
    assert part is not None, "the stack has all parts of its own"
    return part


def _nothing() -> None:
    """What was killed is started again by the stack."""


_SUBSCRIPTION: Final = partial(_a_copy, "subscription")
_NOTIFIER: Final = partial(_a_copy, "notifier")
DEATHS: Final = (
    Death(name="kill -9 of the only subscription service", copies=1, choose=_SUBSCRIPTION, decision_within=3),
    Death(name="kill -9 of the only notifier", copies=1, choose=_NOTIFIER, mails_in_hand=8, mail_within=5),
    Death(name="kill -9 of the broker", copies=1, choose=_broker),
    Death(name="kill -9 of PostgreSQL", copies=1, choose=_database),
    Death(name="kill -9 of one of two subscription services", copies=2, choose=_SUBSCRIPTION, decision_within=3),
    Death(name="kill -9 of the one that publishes, of two", copies=2, choose=_leader, decision_within=3),
    Death(name="SIGSTOP of the one that publishes, of two", copies=2, choose=_leader, freezes=True),
    Death(name="kill -9 of one of two notifiers", copies=2, choose=_NOTIFIER, mail_within=5),
)
