"""The recipient's HTTP: messages, reading them, the live stream, preferences. Everyone sees their own inbox only."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse

from notifier_service.decisions.plan import InvalidPreferences, validate_preferences
from notifier_service.inbox import messages
from notifier_service.inbox import preferences as stored_preferences
from notifier_service.inbox.messages import Filter
from notifier_service.inbox.shapes import Inbox, InboxQuery, Message, PreferencesDocument, PreferencesUpdate, Unread
from notifier_service.inbox.stream import Streams
from shared.contracts.scalars import Id, read_instant
from shared.contracts.topics import OUTCOMES
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock
from shared.web.auth import AnAccount
from shared.web.problems import Problem, problems

router: Final = APIRouter(
    prefix="/api",
    tags=["inbox"],
    responses=problems(HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxDependencies:
    """What the routes work with, in the app's state. `partitions`: logical topic -> number of partitions."""

    engine: Engine
    clock: Clock
    streams: Streams
    partitions: Mapping[str, int]


@router.get("/inbox")
async def inbox(request: Request, caller: AnAccount, asked: Annotated[InboxQuery, Query()]) -> Inbox:
    """Messages, the newest first."""
    async with _connection(request) as connection:
        number = await _before(connection, caller.account_id, asked.before)
        wanted = Filter(only_unread=bool(asked.unread), kind=asked.kind, before=number, limit=asked.limit)
        rows = await messages.page(connection, caller.account_id, wanted)
        count = await messages.unread(connection, caller.account_id)
    return Inbox(messages=[Message.of(row) for row in rows], unread=count)


@router.post("/inbox/read-all")
async def read_all(request: Request, caller: AnAccount) -> Unread:
    """Mark every message as read."""
    return await _read(request, caller.account_id, None)


@router.post("/inbox/{message_id}/read", responses=problems(HTTPStatus.NOT_FOUND))
async def read(request: Request, caller: AnAccount, message_id: Id) -> Unread:
    """Mark one message as read; a second time changes nothing."""
    return await _read(request, caller.account_id, message_id)


@router.get("/inbox/stream", response_class=StreamingResponse)
async def stream(
    request: Request,
    caller: AnAccount,
    last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None,
) -> StreamingResponse:
    """Server-Sent Events: `message` with a message, `unread` with the count; goes on behind `Last-Event-ID`."""
    events = inbox_dependencies(request).streams.events(caller.account_id, last_event_id)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/preferences")
async def preferences(request: Request, caller: AnAccount) -> PreferencesDocument:
    """Which channels are switched off for which kinds."""
    async with _connection(request) as connection:
        return PreferencesDocument.of(await stored_preferences.stored(connection, caller.account_id))


@router.put("/preferences")
async def prefer(request: Request, caller: AnAccount, wanted: PreferencesUpdate) -> PreferencesDocument:
    """Replace what is switched off. Protected kinds keep at least one channel."""
    try:
        validate_preferences(wanted.preferences)
    except InvalidPreferences as invalid:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(invalid)) from None
    async with _connection(request) as connection:
        await stored_preferences.replace(connection, caller.account_id, wanted.preferences)
    return PreferencesDocument.of(wanted.preferences)


def inbox_dependencies(request: Request) -> InboxDependencies:
    """What `app` has put into the application's state."""
    dependencies: InboxDependencies = request.app.state.inbox_dependencies
    return dependencies


@asynccontextmanager
async def _connection(request: Request) -> AsyncIterator[Connection]:
    async with transaction(inbox_dependencies(request).engine) as connection:
        yield connection


async def _read(request: Request, account_id: str, message_id: str | None) -> Unread:
    at = inbox_dependencies(request)
    async with transaction(at.engine) as connection:
        if message_id is not None:
            await _number(connection, account_id, message_id)
        now = await at.clock.now(connection)
        await messages.read(connection, account_id, message_id, now=now, partitions=at.partitions[OUTCOMES])
        return Unread(unread=await messages.unread(connection, account_id))


async def _before(connection: Connection, account_id: str, asked: str | None) -> int | None:
    """The number behind which a page begins; None for the first one."""
    if asked is None:
        return None
    try:
        return await messages.number_from(connection, account_id, read_instant(asked))
    except ValueError:
        return await _number(connection, account_id, asked)


async def _number(connection: Connection, account_id: str, message_id: str) -> int:
    number = await messages.number_of(connection, account_id, message_id)
    if number is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such message.")
    return number
