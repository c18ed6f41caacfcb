"""The recipient's HTTP: messages, marking and archiving them, the live stream, preferences.

Every route acts on the inbox of the calling account and no other.
"""

from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from notifier_service.decisions.preferences import InvalidPreferences, Preferences, validate_preferences
from notifier_service.inbox.actions import InboxActions
from notifier_service.inbox.listing import listing
from notifier_service.inbox.shapes import Inbox, InboxQuery, Message, PreferencesDocument, PreferencesUpdate, Unread
from notifier_service.inbox.stream import Streams
from notifier_service.storage import preferences as stored_preferences
from shared.contracts.scalars import Id
from shared.storage.database import Engine, transaction
from shared.web.auth import AccountCaller, AccountOwner, AuthenticatedRoute
from shared.web.event_stream import EventStream
from shared.web.problems import Problem, problems

_PROBLEMS: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_IF_MATCH: Final = Header(description="The `ETag` of the preferences that were read: replace these and no later ones.")


def router(engine: Engine, actions: InboxActions, streams: Streams) -> APIRouter:
    """The routes below `/api` for recipients."""
    endpoints = _Endpoints(engine, actions, streams)
    made = APIRouter(prefix="/api", tags=["inbox"], responses=problems(*_PROBLEMS), route_class=AuthenticatedRoute)
    made.get("/inbox")(endpoints.inbox)
    made.post("/inbox/read-all")(endpoints.read_all)
    made.post("/inbox/{message_id}/read", responses=problems(HTTPStatus.NOT_FOUND))(endpoints.read)
    made.post("/inbox/{message_id}/archive", responses=problems(HTTPStatus.NOT_FOUND))(endpoints.archive)
    made.get("/inbox/stream", response_class=StreamingResponse)(endpoints.stream)
    made.get("/preferences")(endpoints.preferences)
    made.put("/preferences", responses=problems(HTTPStatus.PRECONDITION_FAILED))(endpoints.replace_preferences)
    return made


class _Endpoints:
    """One method per path."""

    def __init__(self, engine: Engine, actions: InboxActions, streams: Streams) -> None:
        self._engine = engine
        self._actions = actions
        self._streams = streams

    async def inbox(self, caller: AccountCaller, query: Annotated[InboxQuery, Query()]) -> Inbox:
        """Messages, the newest first."""
        async with transaction(self._engine) as connection:
            found = await listing(connection, caller.account_id, query)
        return Inbox(messages=[Message.of(message) for message in found.messages], unread=found.unread)

    async def read_all(self, caller: AccountCaller) -> Unread:
        """Mark every message as read."""
        return Unread(unread=await self._actions.mark_read(caller.account_id, None))

    async def read(self, caller: AccountCaller, message_id: Id) -> Unread:
        """Mark one message as read; a second time changes nothing."""
        return Unread(unread=await self._actions.mark_read(caller.account_id, message_id))

    async def archive(self, caller: AccountCaller, message_id: Id) -> Unread:
        """Take one message out of the list, as read; a second time changes nothing."""
        return Unread(unread=await self._actions.archive(caller.account_id, message_id))

    async def stream(
        self, caller: AccountCaller, last_event_id: Annotated[int | None, Header(ge=0, le=2**62)] = None
    ) -> StreamingResponse:
        """Server-Sent Events: `message` with a message, `unread` with the count; continues after `Last-Event-ID`."""
        return EventStream(self._streams.open(caller, last_event_id))

    async def preferences(self, caller: AccountCaller, response: Response) -> PreferencesDocument:
        """Which channels are switched off for which kinds, with an `ETag` for a change of it."""
        async with transaction(self._engine) as connection:
            found = await stored_preferences.load(connection, [caller.account_id])
        return _tagged(found[caller.account_id], response)

    async def replace_preferences(
        self,
        caller: AccountOwner,
        wanted: PreferencesUpdate,
        response: Response,
        if_match: Annotated[str | None, _IF_MATCH] = None,
    ) -> PreferencesDocument:
        """Replace what is switched off. Protected kinds keep at least one channel. 412 where it changed meanwhile."""
        try:
            validate_preferences(wanted.preferences)
        except InvalidPreferences as invalid:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(invalid)) from None
        async with transaction(self._engine) as connection:
            _check_match(if_match, await stored_preferences.lock(connection, caller.account_id))
            await stored_preferences.replace(connection, caller.account_id, wanted.preferences)
        return _tagged(wanted.preferences, response)


def _tagged(preferences: Preferences, response: Response) -> PreferencesDocument:
    document = PreferencesDocument.of(preferences)
    response.headers["ETag"] = document.entity_tag
    return document


def _check_match(if_match: str | None, stored: Preferences) -> None:
    """Raises `Problem` 412 where a change is of another state than what is stored (RFC 9110, 13.1.1)."""
    named = [each.strip() for each in (if_match or "*").split(",")]
    if named != ["*"] and PreferencesDocument.of(stored).entity_tag not in named:
        raise Problem(HTTPStatus.PRECONDITION_FAILED, "The preferences have changed meanwhile: read them again.")
