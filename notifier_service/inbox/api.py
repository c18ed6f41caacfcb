"""The recipient's HTTP: messages, marking them as read, the live stream, preferences. `app` includes `router`.

Every route acts on the inbox of the calling account and no other.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from notifier_service.decisions.preferences import InvalidPreferences, validate_preferences
from notifier_service.inbox.shapes import Inbox, InboxQuery, Message, PreferencesDocument, PreferencesUpdate, Unread
from notifier_service.inbox.stream import Streams
from notifier_service.storage import messages
from notifier_service.storage import preferences as stored_preferences
from notifier_service.storage.messages import MessageFilter
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.scalars import Id, read_instant
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock
from shared.web.auth import AccountCaller, AccountOwner, AuthenticatedRoute
from shared.web.event_stream import EventStream
from shared.web.problems import Problem, problems

_PROBLEMS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)


def router(engine: Engine, clock: Clock, partitions: Mapping[str, int], streams: Streams) -> APIRouter:
    """The routes below `/api` for recipients. `partitions`: logical topic -> number of its partitions."""
    pages = _Pages(engine, clock, partitions, streams)
    made = APIRouter(prefix="/api", tags=["inbox"], responses=problems(*_PROBLEMS), route_class=AuthenticatedRoute)
    made.get("/inbox")(pages.inbox)
    made.post("/inbox/read-all")(pages.read_all)
    made.post("/inbox/{message_id}/read", responses=problems(HTTPStatus.NOT_FOUND))(pages.read)
    made.get("/inbox/stream", response_class=StreamingResponse)(pages.stream)
    made.get("/preferences")(pages.preferences)
    made.put("/preferences")(pages.replace_preferences)
    return made


class _Pages:
    """One method per path."""

    def __init__(self, engine: Engine, clock: Clock, partitions: Mapping[str, int], streams: Streams) -> None:
        self._engine = engine
        self._clock = clock
        self._partitions = partitions
        self._streams = streams

    async def inbox(self, caller: AccountCaller, query: Annotated[InboxQuery, Query()]) -> Inbox:
        """Messages, the newest first."""
        async with transaction(self._engine) as connection:
            before = await _before(connection, caller.account_id, query.before)
            wanted = MessageFilter(only_unread=bool(query.unread), kind=query.kind, before=before, limit=query.limit)
            found = await messages.page(connection, caller.account_id, wanted)
            summary = await messages.summary(connection, caller.account_id)
        return Inbox(messages=[Message.of(message) for message in found], unread=summary.unread)

    async def read_all(self, caller: AccountCaller) -> Unread:
        """Mark every message as read."""
        async with transaction(self._engine) as connection:
            return await self._mark_read(connection, caller.account_id, None)

    async def read(self, caller: AccountCaller, message_id: Id) -> Unread:
        """Mark one message as read; a second time changes nothing."""
        async with transaction(self._engine) as connection:
            await _number_of(connection, caller.account_id, message_id)
            return await self._mark_read(connection, caller.account_id, message_id)

    async def stream(
        self, caller: AccountCaller, last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None
    ) -> StreamingResponse:
        """Server-Sent Events: `message` with a message, `unread` with the count; continues after `Last-Event-ID`."""
        return EventStream(self._streams.open(caller, last_event_id))

    async def preferences(self, caller: AccountCaller) -> PreferencesDocument:
        """Which channels are switched off for which kinds."""
        async with transaction(self._engine) as connection:
            found = await stored_preferences.load(connection, [caller.account_id])
        return PreferencesDocument.of(found[caller.account_id])

    async def replace_preferences(self, caller: AccountOwner, wanted: PreferencesUpdate) -> PreferencesDocument:
        """Replace what is switched off. Protected kinds keep at least one channel."""
        try:
            validate_preferences(wanted.preferences)
        except InvalidPreferences as invalid:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(invalid)) from None
        async with transaction(self._engine) as connection:
            await stored_preferences.replace(connection, caller.account_id, wanted.preferences)
        return PreferencesDocument.of(wanted.preferences)

    async def _mark_read(self, connection: Connection, account_id: str, message_id: str | None) -> Unread:
        """Each message that becomes read is published once as an outcome, in the same transaction."""
        now = await self._clock.now(connection)
        unit_of_work = UnitOfWork(now, self._partitions)
        for done in await messages.mark_read(connection, account_id, message_id, now=now):
            unit_of_work.add_read(done.notification, attempts=done.attempts, at=now)
        summary = await messages.summary(connection, account_id)
        await unit_of_work.save(connection)
        return Unread(unread=summary.unread)


async def _before(connection: Connection, account_id: str, before: str | None) -> int | None:
    """The `number` below which a page begins, of a message id or an instant; None for the first page."""
    if before is None:
        return None
    try:
        return await messages.first_number_from(connection, account_id, read_instant(before))
    except ValueError:
        return await _number_of(connection, account_id, before)


async def _number_of(connection: Connection, account_id: str, message_id: str) -> int:
    """Raises `Problem` 404 for a message that the account does not have."""
    number = await messages.number_of(connection, account_id, message_id)
    if number is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such message.")
    return number
