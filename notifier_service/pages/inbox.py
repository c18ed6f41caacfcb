"""`/inbox`: the recipient's messages as a page. `app` includes `router`."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from notifier_service.pages.layout import html_page
from notifier_service.pages.reader import localizer_of
from notifier_service.pages.session import PageRoute, page_context
from notifier_service.storage import messages, recipients
from notifier_service.storage.messages import MessageFilter
from shared.storage.database import Engine, transaction
from shared.web.auth import AccountCaller

_ON_A_PAGE = 50


def router(engine: Engine) -> APIRouter:
    """The page, for whoever has a session or a token."""
    made = APIRouter(route_class=PageRoute, include_in_schema=False)

    @made.get("/inbox")
    async def inbox(request: Request, caller: AccountCaller) -> HTMLResponse:
        """The newest messages."""
        wanted = MessageFilter(only_unread=False, kind=None, before=None, limit=_ON_A_PAGE)
        async with transaction(engine) as connection:
            known = (await recipients.load(connection, [caller.account_id])).get(caller.account_id)
            found = await messages.page(connection, caller.account_id, wanted)
            summary = await messages.summary(connection, caller.account_id)
        accepted = request.headers.get("accept-language", "")
        localizer = localizer_of(page_context(request).languages, known.contact if known else None, accepted)
        shown = {
            "messages": found,
            "moment": localizer.moment,
            "unread": summary.unread,
            "product": page_context(request).product,
        }
        return html_page("inbox.html", localizer, shown)

    return made
