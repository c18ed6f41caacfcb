"""Handing one mail over: MAIL, RCPT, DATA, the content with its final dot."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.smtp.connection import Connection, Step
from notifier_service.delivery.smtp.stages import RelayEvent, Stage, StepMeaning

PATIENT_DELIVERIES: Final = 16
"""So many deliveries at a time wait for the reply to the final dot for longer than a quarter of its time-out."""

_COMPLETE: Final = frozenset({StepMeaning.DELIVERED, StepMeaning.REFUSED, StepMeaning.TRY_LATER})
"""The relay has replied to the mail, so that the next one may follow."""

BeforeData: TypeAlias = Callable[[], Awaitable[None]]
"""Called right before `DATA`, and again before the content; what it raises keeps the mail from being sent."""

_LINE_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_PATH: Final = re.compile(r"[!-;=?-~]+|\"[ -;=?-~]*\"@[!-;=?-~]+")


class Transmission:
    """Hands mails from one sender over; shared by all deliveries of a process."""

    def __init__(self, sender: str) -> None:
        """`sender`: the address for `MAIL FROM`."""
        self._sender = sender
        self._patience = asyncio.Semaphore(PATIENT_DELIVERIES)

    async def hand_over(self, connection: Connection, mail: Mail, before_data: BeforeData) -> Step:
        """The step that decided what became of the mail; the connection is closed where it cannot carry another one.

        Raises what `before_data` raises.
        """
        step = await self._envelope(connection, mail.recipient)
        if step.meaning is StepMeaning.NEXT:
            await before_data()
            step = await connection.ask(Stage.DATA, "DATA")
        if step.meaning is StepMeaning.NEXT:
            await before_data()
            step = await self._content(connection, mail.content)
        if step.meaning not in _COMPLETE or step.event is RelayEvent.CLOSING:
            connection.close()
        return step

    async def _envelope(self, connection: Connection, recipient: str) -> Step:
        """Sender and recipient, after the end of a transaction that was not completed."""
        sender_path, recipient_path = _path(self._sender), _path(recipient)
        connection.stage = Stage.MAIL
        if connection.in_transaction:
            step = await connection.ask(Stage.RSET, "RSET")
            if step.meaning is not StepMeaning.NEXT:
                return step
        step = await connection.ask(Stage.MAIL, f"MAIL FROM:{sender_path}")
        if step.meaning is not StepMeaning.NEXT:
            return step
        connection.in_transaction = True
        return await connection.ask(Stage.RCPT, f"RCPT TO:{recipient_path}")

    async def _content(self, connection: Connection, content: bytes) -> Step:
        """A relay that is silent for long is waited for where not too many deliveries wait like this already."""
        seconds = connection.seconds[Stage.CONTENT]
        step = await connection.send(Stage.CONTENT, wire_format(content), seconds / 4)
        if step.event is RelayEvent.SILENCE and not self._patience.locked():
            async with self._patience:
                step = await connection.reply(seconds * 3 / 4)
        connection.in_transaction = False
        return step


def wire_format(content: bytes) -> bytes:
    """The content with CRLF line breaks, a second dot before each dot that begins a line, and the final dot."""
    lines = _LINE_BREAK.sub(b"\r\n", content).removesuffix(b"\r\n").split(b"\r\n")
    return b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines) + b"\r\n.\r\n"


def _path(address: str) -> str:
    """An address between angle brackets. Raises `ValueError` for one that could end the command or the path."""
    if not _PATH.fullmatch(address):
        raise ValueError("the address cannot be written in an SMTP command")
    return f"<{address}>"
