"""Connections on the level of TCP and HTTP/1.1: how many, and how long each may take for its request.

uvicorn's protocol has neither limit. `BoundedConnection` adds them, `Connections` counts what is open. An answer from
here looks like every other error, though no route has seen the request.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from shared.web import limits
from shared.web.middleware import PROTECTIVE_HEADERS
from shared.web.problems import Problem, phrase, problem_response

_UNANSWERED: Final = (h11.IDLE, h11.SEND_RESPONSE)
_INCOMPLETE: Final = (h11.IDLE, h11.SEND_BODY)


class Connections:
    """All open connections of a process, the oldest first, by address."""

    def __init__(self, count_answer: Callable[[int], None]) -> None:
        """`count_answer` is told the status of each answer that no route has seen."""
        self.count_answer = count_answer
        self._by_address: dict[str, dict[BoundedConnection, None]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_address.values()))

    def add(self, connection: "BoundedConnection") -> bool:
        """Returns whether there is room, if need be by ending a connection that does nothing for its caller."""
        self._by_address.setdefault(connection.address, {})[connection] = None
        if len(self) <= limits.CONNECTIONS:
            return True
        giving_way = next((each for each in self._most_common_first() if each.dispensable and each != connection), None)
        if giving_way:
            giving_way.transport.abort()
            self.remove(giving_way)
        return giving_way is not None

    def remove(self, connection: "BoundedConnection") -> None:
        """Does nothing for one that is not there."""
        of_address = self._by_address.get(connection.address, {})
        of_address.pop(connection, None)
        if not of_address:
            self._by_address.pop(connection.address, None)

    def _most_common_first(self) -> Iterator["BoundedConnection"]:
        """Those of the address with most connections first, so that a caller that opens many gives way itself."""
        for of_address in sorted(self._by_address.values(), key=len, reverse=True):
            yield from of_address


class BoundedConnection(H11Protocol):
    """One connection. `_deadline` runs while a request has not arrived whole."""

    def __init__(self, connections: Connections, **of_server: Any) -> None:
        super().__init__(**of_server)
        self._open = connections
        self._deadline: asyncio.TimerHandle | None = None
        self._lingering = False
        self._sending: asyncio.TimerHandle | None = None

    @property
    def address(self) -> str:
        """The peer's; of a proxy, where there is one."""
        return self.client[0] if self.client else "unknown"

    @property
    def dispensable(self) -> bool:
        """Whether no request is being answered, or the caller does not take its answer."""
        return not self._cycle or self._cycle.response_complete or self._sending is not None

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The newest request and its answer; uvicorn does not say that there is none at first."""
        return self.cycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuses one connection too many."""
        super().connection_made(transport)
        if self._open.add(self):
            self._run_deadline()
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "There are too many connections; please try again.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Makes room."""
        super().connection_lost(exc)
        self._open.remove(self)
        self._stop_deadline()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Stops the deadline once the request is there; lets it run for the next one after the rest of a request."""
        super().data_received(data)
        if self.conn.their_state not in _INCOMPLETE:
            self._stop_deadline()
        elif self._lingering and self.conn.their_state is h11.IDLE:
            self._run_deadline()

    def on_response_complete(self) -> None:
        """Lets the deadline run for the next request, or for the rest of one that was answered before its end."""
        unread = self.conn.their_state is h11.SEND_BODY
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if unread:
            self._run_deadline(limits.LINGER_SECONDS, lingering=True)
        elif self._deadline is None and self.conn.their_state in _INCOMPLETE:
            self._run_deadline()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or has larger headers than `limits.HEADER_BYTES`."""
        status = getattr(sys.exception(), "error_status_hint", HTTPStatus.BAD_REQUEST)
        self._refuse(HTTPStatus(status), "This is no request that HTTP/1.1 knows, or its headers are too large.")

    def pause_writing(self) -> None:
        """The caller does not take what it is sent."""
        super().pause_writing()
        self._sending = self._sending or self.loop.call_later(limits.SEND_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._sending:
            self._sending.cancel()
            self._sending = None

    def _run_deadline(self, seconds: float = limits.REQUEST_SECONDS, *, lingering: bool = False) -> None:
        self._stop_deadline()
        self._lingering = lingering
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._refuse(HTTPStatus.REQUEST_TIMEOUT, f"A request must arrive within {limits.REQUEST_SECONDS:.0f} s.")

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer, where nothing was answered yet, and close; a route that waits for the body sees a disconnect."""
        if self._cycle and not self._cycle.response_complete:
            self._cycle.disconnected = True
            self._cycle.message_event.set()
        if self.conn.our_state in _UNANSWERED:
            self._open.count_answer(status)
            answer = problem_response(Problem(status, detail, {**PROTECTIVE_HEADERS, "Connection": "close"}))
            head = h11.Response(status_code=status, headers=answer.raw_headers, reason=phrase(status))
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
