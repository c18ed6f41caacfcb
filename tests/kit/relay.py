"""A mail relay that says what a test tells it to say, at every stage; it keeps the mails that it accepted.

It behaves well where the test's function answers None:

    async with scripted_relay(lambda command: "451 later" if command.verb == "RCPT" else None) as relay: ...
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias


class Instead(Enum):
    """What a relay does instead of a reply."""

    CLOSE = auto()
    RESET = auto()
    HANG = auto()


@dataclass(frozen=True, slots=True)
class After:
    """An answer that comes after so many seconds."""

    seconds: float
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class SmtpCommand:
    """What the relay has to answer: `verb` is the command's, `CONNECT` for the greeting, `.` after the final dot.

    `connection` counts from 1; `recipient` is that of the mail under way, `mails` how many were accepted so far.
    """

    verb: str
    line: str
    connection: int
    recipient: str
    mails: int


Answer: TypeAlias = str | bytes | Instead | After | None
Script: TypeAlias = Callable[[SmtpCommand], Answer]

_GOOD: Final = {
    "CONNECT": "220 relay ready",
    "EHLO": "250-relay\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES",
    "DATA": "354 go ahead",
    ".": "250 2.0.0 queued",
    "QUIT": "221 bye",
}
_ACCEPTING: Final = re.compile("2[0-9][0-9] ")


class ScriptedRelay:
    """`accepted`: (recipient, content) of each mail; `commands`: every line, with the number of its connection.

    `received`: recipients of all contents that came whole, whatever was replied. `open`, `most_open` and `refused`
    count connections; more than `most` at a time are refused with 421.
    """

    def __init__(self, script: Script, most_connections: int | None) -> None:
        self.accepted: list[tuple[str, bytes]] = []
        self.received: list[str] = []
        self.commands: list[tuple[int, str]] = []
        self.port = 0
        self.connections = self.open = self.most_open = self.refused = 0
        self._script = script
        self.most = most_connections
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def recipients(self) -> list[str]:
        """Recipients of the accepted mails, in their order."""
        return [recipient for recipient, _ in self.accepted]

    def say_to_all(self, data: bytes) -> None:
        """Send something that no command asked for on every open connection."""
        for writer in self._writers:
            writer.write(data)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from the greeting to its end."""
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._writers.add(writer)
        try:
            if self.most is not None and self.open > self.most:
                self.refused += 1
                writer.write(b"421 4.7.0 too many connections\r\n")
            else:
                await _Dialogue(self, self.connections, reader, writer).run(self._script)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._writers.discard(writer)
            writer.close()


class _Dialogue:
    """The relay's side of one connection."""

    def __init__(
        self, relay: ScriptedRelay, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._relay = relay
        self._number = number
        self._reader = reader
        self._writer = writer
        self._recipient = ""

    async def run(self, script: Script) -> None:
        if not await self._answer(script, "CONNECT", ""):
            return
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            self._relay.commands.append((self._number, line))
            verb = line.split(" ")[0].split(":")[0].upper()
            if verb == "RCPT":
                self._recipient = line.partition("<")[2].partition(">")[0]
            if not await self._answer(script, verb, line):
                return
            if verb == "QUIT":
                return

    async def _answer(self, script: Script, verb: str, line: str) -> bool:
        """False when the connection is to end."""
        command = SmtpCommand(verb, line, self._number, self._recipient, len(self._relay.accepted))
        answer = script(command)
        if isinstance(answer, After):
            await asyncio.sleep(answer.seconds)
            answer = answer.answer
        if isinstance(answer, Instead):
            await self._misbehave(answer)
            return False
        text = _GOOD.get(verb, "250 2.0.0 OK") if answer is None else answer
        self._writer.write(text if isinstance(text, bytes) else text.encode() + b"\r\n")
        if verb == "DATA" and isinstance(text, str) and text.startswith("354"):
            return await self._content(script)
        return True

    async def _content(self, script: Script) -> bool:
        content = await self._reader.readuntil(b"\r\n.\r\n")
        self._relay.received.append(self._recipient)
        command = SmtpCommand(".", "", self._number, self._recipient, len(self._relay.accepted))
        answer = script(command)
        reply = answer.answer if isinstance(answer, After) else answer
        if reply is None or (isinstance(reply, str) and _ACCEPTING.match(reply)):
            self._relay.accepted.append((self._recipient, content.removesuffix(b".\r\n")))
        return await self._answer(lambda _: answer, ".", "")

    async def _misbehave(self, instead: Instead) -> None:
        match instead:
            case Instead.HANG:
                await asyncio.Event().wait()
            case Instead.RESET:
                self._writer.transport.abort()
            case Instead.CLOSE:
                pass


@asynccontextmanager
async def scripted_relay(script: Script = lambda _: None, *, most: int | None = None) -> AsyncIterator[ScriptedRelay]:
    """A relay on a free port of 127.0.0.1, until the block ends; `most` connections at a time."""
    relay = ScriptedRelay(script, most)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(relay.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 1)
