"""A copy that is frozen (SIGSTOP) with emails in hand: another one sends them, and on waking it sends none again."""

import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from shared.runtime.settings import Settings
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RELAY, notifier_process, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit import http
from tests.kit.events import account
from tests.kit.ports import free_port
from tests.kit.relay import After, Answer, ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.waiting import eventually

MAILS = 40
CONNECTIONS = 8


@dataclass
class SlowRelay:
    """Slow at one verb for as long as `slow` is set."""

    verb: str
    slow: bool = True

    def __call__(self, command: SmtpCommand) -> Answer:
        return After(2) if self.slow and command.verb == self.verb else None


@pytest.mark.rule("G3")
@pytest.mark.parametrize(
    ("verb", "cut", "doubled"),
    [("MAIL", True, 0), ("RCPT", False, 0), ("DATA", True, 0), (".", False, CONNECTIONS)],
)
async def test_a_copy_that_wakes_sends_nothing_that_another_one_took_over(
    settings: Settings, environment: Environment, verb: str, cut: bool, doubled: int
) -> None:
    """`doubled`: how many may be sent twice, since the relay had them whole. `cut`: the sessions are ended too."""
    script = SlowRelay(verb)
    async with scripted_relay(script) as relay:
        own = settings.model_copy(update={"smtp_port": relay.port})
        async with frozen_with_mails_in_hand(own, environment, relay, verb) as wake:
            script.slow = False
            if cut:
                await cut_sessions(settings)
            async with running_notifier(own) as other:
                await eventually(lambda: has_received(relay, MAILS), seconds=60)
                await eventually(other.nothing_is_queued)
                before = Counter(relay.received)
                await wake()
                await environment.publish(*(activated(account()) for _ in range(MAILS)))
                await eventually(lambda: has_received(relay, 2 * MAILS), seconds=60)
                await eventually(other.nothing_is_queued)
        again = Counter(relay.received) - before
        assert [recipient for recipient in again if recipient in before] == []
        assert sum(before.values()) - len(before) <= doubled
        assert set(Counter(relay.received).values()) <= {1, 2}


@asynccontextmanager
async def frozen_with_mails_in_hand(
    settings: Settings, environment: Environment, relay: ScriptedRelay, verb: str
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """A copy that was stopped while the relay was slow at `verb` on all connections. Yields what wakes it."""
    port = free_port()
    async with http.client() as client:

        async def ready() -> bool:
            try:
                troubles = (await client.get(f"http://127.0.0.1:{port}/ready")).json()["troubles"]
            except httpx.TransportError:
                return False
            return not troubles.keys() - {RELAY}

        with notifier_process(settings, port) as frozen:
            await eventually(ready)
            await environment.publish(*(activated(account()) for _ in range(MAILS)))
            await eventually(lambda: is_busy(relay, verb))
            frozen.send_signal(signal.SIGSTOP)

            async def wake() -> None:
                frozen.send_signal(signal.SIGCONT)
                await eventually(ready)

            try:
                yield wake
            finally:
                frozen.send_signal(signal.SIGCONT)


async def is_busy(relay: ScriptedRelay, verb: str) -> bool:
    """Whether this verb was said on every connection."""
    if verb == ".":
        return len(relay.received) >= CONNECTIONS
    return len({connection for connection, line in relay.commands if line.startswith(verb)}) >= CONNECTIONS


async def has_received(relay: ScriptedRelay, count: int) -> bool:
    return len(set(relay.received)) >= count


async def cut_sessions(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )
    finally:
        await connection.close()


def activated(who: str) -> dict[str, object]:
    return event("activated", who, 1, contact=CONTACT | {"email": f"{who}@example.com"})
