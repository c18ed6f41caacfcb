"""What a recipient does with messages: marking as read, archiving. The same from the JSON paths and from the page.

Each takes effect once, whoever asks again, and answers how much is unread then. No action reaches another account's
message.
"""

from collections.abc import Mapping
from http import HTTPStatus

from notifier_service.storage import messages
from notifier_service.storage.signals import Signal
from notifier_service.unit_of_work import UnitOfWork
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock
from shared.web.problems import Problem


class InboxActions:
    """`partitions`: logical topic -> number of its partitions."""

    def __init__(self, engine: Engine, clock: Clock, partitions: Mapping[str, int]) -> None:
        self._engine = engine
        self._clock = clock
        self._partitions = partitions

    async def mark_read(self, account_id: str, message_id: str | None) -> int:
        """Mark one message, or with None all, as read. Raises `Problem` 404."""
        async with transaction(self._engine) as connection:
            await _require(connection, account_id, message_id)
            unit_of_work = await self._unit_of_work(connection)
            return await _mark_read(connection, account_id, message_id, unit_of_work)

    async def archive(self, account_id: str, message_id: str) -> int:
        """Take a message out of the list; what is archived counts as read. Raises `Problem` 404."""
        async with transaction(self._engine) as connection:
            await _require(connection, account_id, message_id)
            unit_of_work = await self._unit_of_work(connection)
            await messages.archive(connection, account_id, message_id, now=unit_of_work.now)
            return await _mark_read(connection, account_id, message_id, unit_of_work)

    async def _unit_of_work(self, connection: Connection) -> UnitOfWork:
        return UnitOfWork(await self._clock.now(connection), self._partitions)


async def number_of(connection: Connection, account_id: str, message_id: str) -> int:
    """Raises `Problem` 404 for a message that the account does not have."""
    number = await messages.number_of(connection, account_id, message_id)
    if number is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such message.")
    return number


async def _require(connection: Connection, account_id: str, message_id: str | None) -> None:
    if message_id is not None:
        await number_of(connection, account_id, message_id)


async def _mark_read(connection: Connection, account_id: str, message_id: str | None, unit_of_work: UnitOfWork) -> int:
    """Each message that becomes read is published once as an outcome, in the same transaction, unless it has no
    notification, as one about mail that came back.
    """
    unit_of_work.signals.add(Signal.INBOX)
    for done in await messages.mark_read(connection, account_id, message_id, now=unit_of_work.now):
        unit_of_work.add_read(done.notification, attempts=done.attempts, at=unit_of_work.now)
    summary = await messages.summary(connection, account_id)
    await unit_of_work.save(connection)
    return summary.unread
