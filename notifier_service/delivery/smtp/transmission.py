"""Handing one mail over: MAIL, RCPT, DATA, the content with its final dot.

The first three go in one write where the relay offers PIPELINING (RFC 2920); else each waits for the reply to the one
before. What a reply means is the same, by the table in `stages`: the first that does not say to go on decides.
"""

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

_AFTER_MAIL: Final = (Stage.RCPT, Stage.DATA)

BeforeData: TypeAlias = Callable[[], Awaitable[None]]
"""Called once the relay has accepted the recipient, and again right before the content; what it raises keeps the mail
from being sent.
"""

_LINE_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_PATH: Final = re.compile(r"[!-;=?-~]+|\"[ -;=?-~]*\"@[!-;=?-~]+")


class Transmission:
    """Hands mails over; shared by all deliveries of a process."""

    def __init__(self, *, sender: Callable[[str], str], envelope_id: Callable[[str], str]) -> None:
        """From a notification id: `sender` makes the address for `MAIL FROM`, `envelope_id` the value of `ENVID`."""
        self._sender = sender
        self._envelope_id = envelope_id
        self._patience = asyncio.Semaphore(PATIENT_DELIVERIES)

    async def hand_over(self, connection: Connection, mail: Mail, before_data: BeforeData) -> Step:
        """The step that decided what became of the mail; the connection is closed where it cannot carry another one.

        Raises what `before_data` raises.
        """
        step = await self._announce(connection, mail, before_data)
        if step.meaning is StepMeaning.NEXT:
            await before_data()
            step = await self._content(connection, mail.content)
        if step.meaning not in _COMPLETE or step.event is RelayEvent.CLOSING:
            connection.close()
        return step

    async def _announce(self, connection: Connection, mail: Mail, before_data: BeforeData) -> Step:
        """All before the content, after the end of a transaction that was not completed."""
        first, *others = self._commands(connection, mail)
        connection.stage = Stage.MAIL
        if connection.in_transaction:
            step = await connection.ask(Stage.RSET, "RSET")
            if step.meaning is not StepMeaning.NEXT:
                return step
        pipelining = "PIPELINING" in connection.extensions
        step = await connection.ask(Stage.MAIL, first, *(others if pipelining else ()))
        for stage, command in zip(_AFTER_MAIL, others, strict=True):
            if step.meaning is not StepMeaning.NEXT:
                return await _skip_replies(connection, step, stage) if pipelining else step
            connection.in_transaction = True
            if stage is Stage.DATA:
                await before_data()
            step = await (connection.reply_to(stage) if pipelining else connection.ask(stage, command))
        return step

    def _commands(self, connection: Connection, mail: Mail) -> tuple[str, str, str]:
        """MAIL, RCPT and DATA."""
        sender_path, recipient_path = _path(self._sender(mail.notification_id)), _path(mail.recipient)
        asked = self._of_bounces(mail) if "DSN" in connection.extensions else ""
        return f"MAIL FROM:{sender_path}{asked}", f"RCPT TO:{recipient_path}", "DATA"

    def _of_bounces(self, mail: Mail) -> str:
        """What a relay with DSN (RFC 3461) is asked for: headers are enough, and which mail it was."""
        return f" RET=HDRS ENVID={_xtext(self._envelope_id(mail.notification_id))}"

    async def _content(self, connection: Connection, content: bytes) -> Step:
        """A relay that is silent for long is waited for where not too many deliveries wait like this already."""
        seconds = connection.seconds[Stage.CONTENT]
        step = await connection.send(Stage.CONTENT, wire_format(content), seconds / 4)
        if step.event is RelayEvent.SILENCE and not self._patience.locked():
            async with self._patience:
                step = await connection.reply(seconds * 3 / 4)
        connection.in_transaction = False
        return step


async def _skip_replies(connection: Connection, refused: Step, first: Stage) -> Step:
    """The refusal of a command, once the replies to those sent with it are read, from the one at stage `first` on.

    The connection is closed where the relay does not reply, or waits for a content all the same. No relay accepts
    `DATA` by a 2xx: such a reply is to an earlier command, and so the refusal was not to ours.
    """
    if refused.meaning not in _COMPLETE or refused.event is RelayEvent.CLOSING:
        return refused
    step = await connection.reply_to(first)
    if first is not Stage.DATA and step.reply:
        step = await connection.reply_to(Stage.DATA)
    if step.event is RelayEvent.ACCEPTED:
        return Step(refused.stage, RelayEvent.OUT_OF_STEP)
    if step.reply is None or step.event is RelayEvent.CONTINUE:
        connection.close()
    return refused


def wire_format(content: bytes) -> bytes:
    """The content with CRLF line breaks, a second dot before each dot that begins a line, and the final dot."""
    if not content.count(b"\r\n") == content.count(b"\r") == content.count(b"\n"):  # as no mail of ours
        content = _LINE_BREAK.sub(b"\r\n", content)
    lines = b"\r\n" + content.removesuffix(b"\r\n") + b"\r\n"
    return lines.replace(b"\r\n.", b"\r\n..").removeprefix(b"\r\n") + b".\r\n"


def _path(address: str) -> str:
    """An address between angle brackets. Raises `ValueError` for one that could end the command or the path."""
    if not _PATH.fullmatch(address):
        raise ValueError("the address cannot be written in an SMTP command")
    return f"<{address}>"


def _xtext(text: str) -> str:
    """RFC 3461, 4; ids have no `+` or `=`, and nothing that is not printable."""
    return text.replace("+", "+2B").replace("=", "+3D")
