"""The mail relay as the rest of the notifier knows it: send a mail, check that it replies, close."""

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from notifier_service.bounces.address import envelope_id, envelope_sender
from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.redaction import without_addresses
from notifier_service.delivery.smtp.connection import Connection, Step
from notifier_service.delivery.smtp.opening import Opening
from notifier_service.delivery.smtp.pool import ConnectionPool
from notifier_service.delivery.smtp.stages import SECONDS, RelayEvent, Stage, StepMeaning
from notifier_service.delivery.smtp.transmission import BeforeData, Transmission
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.settings import Settings

_RECENT_SECONDS: Final = 5.0
_BEFORE_RCPT: Final = frozenset({Stage.RSET, Stage.MAIL})
_GIVEN_UP: Final = frozenset({RelayEvent.BREAK, RelayEvent.CLOSING, RelayEvent.OUT_OF_STEP})
"""What comes at the first command over a kept connection that the relay has given up meanwhile."""


class MailRelay:
    """Connections are opened when needed, and `TENURE_SMTP_CONNECTIONS` of them kept."""

    def __init__(self, settings: Settings, seconds: Mapping[Stage, float] = SECONDS) -> None:
        """`seconds`: how long the relay may take at each stage. Raises `BadSettings`: see `Opening`."""
        self._pool = ConnectionPool(Opening(settings, seconds).open, most=settings.smtp_connections)
        self._transmission = Transmission(
            sender=partial(envelope_sender, settings), envelope_id=partial(envelope_id, settings)
        )

    async def send(self, mail: Mail, before_data: BeforeData) -> Attempted:
        """What came of handing this mail over, never `UNREACHABLE`: that is raised as `RelayUnreachable`.

        `before_data` is called right before the mail is sent, and what it raises stops it.
        """
        step = await self._hand_over(mail, before_data)
        if step.meaning is StepMeaning.UNREACHABLE:
            raise RelayUnreachable.at(step)
        return Attempted(step.meaning, without_addresses(step.reason, mail.recipient), step.stage)

    async def check(self) -> None:
        """Make sure that the relay replies, or did so lately. Raises `RelayUnreachable`."""
        while not _is_recent(self._pool.replied_at):
            async with self._pool.connection() as connection:
                if _is_recent(connection.replied_at):
                    return
                step = await connection.ask(Stage.RSET, "RSET")
                if step.meaning is not StepMeaning.NEXT:
                    connection.close()
            if step.event is RelayEvent.SILENCE:
                raise RelayUnreachable.at(step)

    async def close(self) -> None:
        """Send QUIT on every idle connection and close it; nothing is sent afterwards."""
        await asyncio.gather(*(_quit(connection) for connection in await self._pool.stop()))

    async def _hand_over(self, mail: Mail, before_data: BeforeData) -> Step:
        """Over one connection; over the next one where a kept connection turns out to have been given up."""
        while True:
            async with self._pool.connection() as connection:
                kept = connection.kept
                step = await self._transmission.hand_over(connection, mail, before_data)
            if not (kept and step.stage in _BEFORE_RCPT and step.event in _GIVEN_UP):
                return step


def _is_recent(instant: float) -> bool:
    return time.monotonic() - instant < _RECENT_SECONDS


async def _quit(connection: Connection) -> None:
    await connection.ask(Stage.QUIT, "QUIT")
    connection.close()
