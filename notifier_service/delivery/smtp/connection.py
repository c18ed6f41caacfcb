"""One connection to the mail relay: a command, then its one reply, by the table in `stages`; or several commands, then
their replies in the same order.

Invariant: nothing is sent while bytes are unread that no command asked for; a connection whose replies are out of step
is never used again. `opening`, `transmission` and `pool` only.
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from notifier_service.delivery.smtp.replies import OutOfStep, Reply, ReplyReader
from notifier_service.delivery.smtp.stages import MEANINGS, RelayEvent, Stage, StepMeaning, event_of

_CONTROL_CHARACTERS: Final = frozenset([*range(0x20), 0x7F])


@dataclass(frozen=True, slots=True)
class Step:
    """What came of one stage; `reply` is None where the relay gave none."""

    stage: Stage
    event: RelayEvent
    reply: Reply | None = None

    @property
    def meaning(self) -> StepMeaning:
        """What it means, by the table."""
        return MEANINGS[self.stage][self.event]

    @property
    def reason(self) -> str:
        """The relay's reply as received, or what happened instead."""
        return f"{self.reply.code} {self.reply.text}" if self.reply else f"{self.event.value} (at {self.stage.value})"


class Connection(asyncio.Protocol):
    """`stage`: what the relay was last asked for; `extensions`: EHLO keyword in capitals -> its parameters.

    `replied_at`: when it last replied, and `waits_since`: since when its reply is waited for, both on the monotonic
    clock. `in_transaction`: a mail was begun that did not come to an end. `kept`: it was in the pool before.
    """

    def __init__(self, seconds: Mapping[Stage, float]) -> None:
        """`seconds`: how long the relay may take at each stage."""
        self.seconds = seconds
        self.stage = Stage.CONNECT
        self.replied_at = time.monotonic()
        self.waits_since: float | None = None
        self.in_transaction = False
        self.kept = False
        self.extensions: dict[str, str] = {}
        self.encrypted = False
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._arrived = asyncio.Event()
        self._closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio: the connection is open."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's has the methods without the class
        self.encrypted = transport.get_extra_info("sslcontext") is not None

    def data_received(self, data: bytes) -> None:
        """asyncio: the relay has sent something."""
        self._reader.feed(data)
        self._arrived.set()

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio: the connection is closed; also called where the relay closes its side."""
        self._closed = True
        self._arrived.set()

    @property
    def usable(self) -> bool:
        """Whether the connection is open and nothing is unread that no command asked for."""
        return self._transport is not None and not self._closed and self._reader.empty

    async def ask(self, stage: Stage, command: str, *following: str) -> Step:
        """Send a command line and read its reply; `following` are sent with it, and `reply_to` reads theirs.

        Raises `ValueError` for a command with a control character.
        """
        return await self.send(stage, b"".join(map(_line, (command, *following))), self.seconds[stage])

    async def reply_to(self, stage: Stage) -> Step:
        """The reply to a command that was sent together with the one before it."""
        self.stage = stage
        return await self.reply(self.seconds[stage])

    async def send(self, stage: Stage, data: bytes, seconds: float) -> Step:
        """Send bytes and read the reply to them; they are not sent where the connection is not usable."""
        if not self.usable:
            return Step(self.stage, RelayEvent.BREAK if self._closed else RelayEvent.OUT_OF_STEP)
        self.stage = stage
        if self._transport is not None:
            self._transport.write(data)
        return await self.reply(seconds)

    async def reply(self, seconds: float) -> Step:
        """The reply to what was last sent, or to the connection itself (its greeting)."""
        self.waits_since = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                reply = await self._next_reply()
        except TimeoutError:
            return Step(self.stage, RelayEvent.SILENCE)
        except OutOfStep:
            return Step(self.stage, RelayEvent.OUT_OF_STEP)
        finally:
            self.waits_since = None
        if reply is None:
            return Step(self.stage, RelayEvent.BREAK)
        self.replied_at = time.monotonic()
        return Step(self.stage, event_of(self.stage, reply.code), reply)

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Go on encrypted. Raises `OSError` (also `ssl.SSLError`) where the relay's certificate is not valid."""
        self.stage = Stage.TLS
        transport = await asyncio.get_running_loop().start_tls(
            self._open_transport(), self, context, server_hostname=host, ssl_handshake_timeout=self.seconds[Stage.TLS]
        )
        if transport is None:
            raise ConnectionResetError
        self._transport = transport
        self.encrypted = True

    def local_address(self) -> str:
        """The IP address of this end."""
        return str(self._open_transport().get_extra_info("sockname")[0])

    def close(self) -> None:
        """Close at once, without QUIT."""
        self._closed = True
        if self._transport is not None:
            self._transport.abort()

    def _open_transport(self) -> asyncio.Transport:
        if self._transport is None or self._closed:
            raise ConnectionResetError
        return self._transport

    async def _next_reply(self) -> Reply | None:
        """None when the connection closes before a reply is complete. Raises `OutOfStep`."""
        while (reply := self._reader.take()) is None:
            if self._closed:
                return None
            self._arrived.clear()
            await self._arrived.wait()
        return reply


def _line(command: str) -> bytes:
    line = command.encode("ascii")
    if _CONTROL_CHARACTERS.intersection(line):
        raise ValueError("a command is one line")
    return line + b"\r\n"
