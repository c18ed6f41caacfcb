"""Copies of the notifier on real Kafka, PostgreSQL and SMTP: inside the test process, or as a process of their own."""

import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Final

from notifier_service.app import NOTIFIER
from notifier_service.storage import leases
from shared.runtime.settings import Settings
from shared.storage import database
from shared.storage.database import Engine
from shared.testclock.clock import TestClock
from tests.kit.ports import free_port
from tests.kit.process import service_process
from tests.kit.service import RunningService, running_service
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually

SCHEMA: Final = "notifier"
RELAY: Final = "mail"
"""The component under which `/ready` shows that the mail relay is away."""


class RunningNotifier:
    """One copy that runs in this process: its HTTP and its tables."""

    def __init__(self, running: RunningService, engine: Engine) -> None:
        self.client = running.client
        self.engine = engine
        self._running = running

    async def is_ready(self) -> bool:
        """Whether `/ready` answers 200: everything is ready, the mail relay too."""
        return (await self.client.get("/ready")).status_code == 200

    async def is_consuming(self) -> bool:
        """Whether all but the mail relay is ready. Raises what ended the copy."""
        return await self._running.is_ready(but_for=[RELAY])

    async def is_unready(self, component: str = "") -> bool:
        """Whether `/ready` answers 503 and, where one is given, names this component."""
        answer = await self.client.get("/ready")
        return answer.status_code == 503 and (not component or component in answer.json()["troubles"])

    async def inbox(self, account_id: str, **parameters: Any) -> Any:
        """A page of the account's inbox."""
        return (await self.client.get("/api/inbox", headers=bearer(account_id), params=parameters)).json()

    async def decisions(self, account_id: str | None = None, **parameters: Any) -> list[dict[str, Any]]:
        """A page of notification decisions, the newest first; empty for an unknown account."""
        asked = ({"account_id": account_id} if account_id else {}) | parameters
        answer = await self.client.get("/api/notifications", headers=operator(), params=asked)
        return [] if answer.status_code == 404 else list(answer.raise_for_status().json()["notifications"])

    async def move_clock(self, now: datetime) -> None:
        """As the test clock's barrier does: move, then wait until all that is due is done."""
        async with database.transaction(self.engine) as connection:
            await TestClock.move(connection, now)
        await eventually(self.nothing_is_due)

    async def nothing_is_due(self) -> bool:
        """Whether every email that is due has been tried."""
        async with database.transaction(self.engine) as connection:
            return not await leases.pending(connection, await TestClock().now(connection))

    async def status(self, account_id: str, channel: str = "email") -> list[tuple[str, str, str | None]]:
        """(kind, status, reason) of each decision on the channel, the oldest first."""
        found = await self.decisions(account_id)
        return [(one["kind"], one["status"], one["reason"]) for one in reversed(found) if one["channel"] == channel]

    async def has_decisions(self, account_id: str, count: int) -> bool:
        """Whether at least so many decisions of the account are stored."""
        return len(await self.decisions(account_id)) >= count

    async def nothing_is_queued(self) -> bool:
        """Whether no email of the service waits or is in flight."""
        return not await self.decisions(status="queued")

    async def has_email(self, account_id: str, status: str) -> bool:
        """Whether an email of the account has this status."""
        return any(found == status for _, found, _ in await self.status(account_id))


@asynccontextmanager
async def running_notifier(settings: Settings) -> AsyncIterator[RunningNotifier]:
    """Run one copy until the block ends. The block begins once it is ready, whether or not it has reached the relay."""
    async with running_service(NOTIFIER, settings, but_for=[RELAY]) as running:
        engine = database.connect(settings.database_url.get_secret_value(), SCHEMA)
        try:
            yield RunningNotifier(running, engine)
        finally:
            await engine.dispose()


@contextmanager
def notifier_process(settings: Settings, http_port: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A copy as a process of its own, to be stopped or killed; it is killed at the end if it still runs."""
    port = http_port or free_port()
    with service_process("notifier_service", settings.model_copy(update={"http_port": port})) as child:
        yield child
