"""`/inbox`: the recipient's messages as a page, by plain links and forms; and what `<tenure-inbox>` is made of.

`/inbox/fragment` is the content alone, by session or token: the component asks for it again when something has changed.
"""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.recipient import Recipient
from notifier_service.inbox.actions import InboxActions
from notifier_service.inbox.listing import listing
from notifier_service.inbox.shapes import InboxQuery
from notifier_service.pages.inbox_view import Addresses, kind_name, message_view, older_than
from notifier_service.pages.layout import PageAssets, assets, fragment, html_page
from notifier_service.pages.reader import localizer_of
from notifier_service.pages.session import PageRoute, page_context
from notifier_service.pages.subscription_view import subscription_view
from notifier_service.storage import messages, recipients
from shared.contracts.scalars import Id
from shared.runtime.settings import Settings
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock
from shared.web.auth import AccountCaller, AuthenticatedRoute
from shared.web.cross_origin import CrossOriginAccess

_STYLE: Final = "inbox.css"
_SCRIPT: Final = "inbox.js"
_KEEP: Final = {"Cache-Control": "public, max-age=300"}

InboxParameters = Annotated[InboxQuery, Query()]


def component_access(settings: Settings) -> CrossOriginAccess:
    """Consoles of `TENURE_INBOX_ORIGINS` may show `<tenure-inbox>`: what that calls is open to them, nothing else."""
    origins = [each.strip() for each in settings.inbox_origins.split(",") if each.strip()]
    return CrossOriginAccess(origins, ("/tenure-inbox.js", "/tenure-inbox.css", "/inbox/fragment", "/api/inbox"))


def router(engine: Engine, clock: Clock, actions: InboxActions) -> APIRouter:
    """The page and its forms for whoever has a session or a token; style and script of the component for everybody."""
    pages = _Pages(engine, clock, actions)
    made = APIRouter(include_in_schema=False)
    behind = APIRouter(route_class=PageRoute)
    behind.get("/inbox")(pages.inbox)
    behind.post("/inbox/read-all")(pages.read_all)
    behind.post("/inbox/{message_id}/read")(pages.read)
    behind.post("/inbox/{message_id}/archive")(pages.archive)
    made.include_router(behind)
    made.add_api_route("/inbox/fragment", pages.fragment, route_class_override=AuthenticatedRoute)
    made.get("/tenure-inbox.js")(_script)
    made.get("/tenure-inbox.css")(_style)
    return made


class _Pages:
    """One method per path."""

    def __init__(self, engine: Engine, clock: Clock, actions: InboxActions) -> None:
        self._engine = engine
        self._clock = clock
        self._actions = actions

    async def inbox(self, request: Request, caller: AccountCaller, query: InboxParameters) -> HTMLResponse:
        """The page."""
        localizer, shown = await self._shown(request, caller.account_id, query, base=page_context(request).root)
        inside = PageAssets((_STYLE,), (_SCRIPT,))
        return html_page("inbox.html", localizer, {**shown, "heading": "h1"}, inside=inside)

    async def fragment(self, request: Request, caller: AccountCaller, query: InboxParameters) -> HTMLResponse:
        """The content of the page, for a component that is perhaps within somebody else's."""
        base = page_context(request).public_url.rstrip("/")
        localizer, shown = await self._shown(request, caller.account_id, query, base=base)
        return HTMLResponse(fragment("inbox_content.html", localizer, {**shown, "heading": "h2"}))

    async def read_all(self, request: Request, caller: AccountCaller, query: InboxParameters) -> Response:
        """Mark all as read, and show the page again."""
        await self._actions.mark_read(caller.account_id, None)
        return _back(request, query)

    async def read(self, request: Request, caller: AccountCaller, message_id: Id, query: InboxParameters) -> Response:
        """Mark one as read, and show the page again."""
        await self._actions.mark_read(caller.account_id, message_id)
        return _back(request, query)

    async def archive(
        self, request: Request, caller: AccountCaller, message_id: Id, query: InboxParameters
    ) -> Response:
        """Archive one, and show the page again."""
        await self._actions.archive(caller.account_id, message_id)
        return _back(request, query)

    async def _shown(
        self, request: Request, account_id: str, query: InboxQuery, *, base: str
    ) -> tuple[Localizer, dict[str, Any]]:
        """In whose language, and what the template is filled with."""
        async with transaction(self._engine) as connection:
            known = await _recipient(connection, account_id)
            found = await listing(connection, account_id, query)
            kinds = await messages.kinds(connection, account_id)
            now = await self._clock.now(connection)
        accepted = request.headers.get("accept-language", "")
        localizer = localizer_of(page_context(request).languages, known.contact, accepted)
        return localizer, {
            "subscription": subscription_view(known.subscription, localizer, now),
            "messages": [message_view(message, localizer) for message in found.messages],
            "kinds": [(kind, kind_name(kind, localizer)) for kind in kinds],
            "product": page_context(request).product,
            "unread": found.unread,
            "query": query,
            "older": older_than(found, query),
            "addresses": Addresses(base, query),
            "zone": localizer.text("footer.zone", zone=localizer.zone.key) if localizer.zone_known else None,
        }


async def _recipient(connection: Connection, account_id: str) -> Recipient:
    """One without a contact where no event of the account has come."""
    found = await recipients.load(connection, [account_id])
    return found.get(account_id, Recipient(account_id=account_id))


def _back(request: Request, query: InboxQuery) -> Response:
    return RedirectResponse(Addresses(page_context(request).root, query).act("inbox"), HTTPStatus.SEE_OTHER)


async def _script() -> Response:
    return Response(assets(_SCRIPT), media_type="text/javascript", headers=_KEEP)


async def _style() -> Response:
    return Response(assets("theme.css", _STYLE), media_type="text/css", headers=_KEEP)
