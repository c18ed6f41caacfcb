"""`/unsubscribe`: who got an email stops emails of its kind, without a login and without JavaScript (RFC 8058).

A POST mutes the kind, as mail programs send it for `List-Unsubscribe-Post`, and one with `again` takes that back; a GET
shows the page and changes nothing. The signature in the link is all that counts: no cookie is asked for.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from notifier_service.decisions.preferences import may_be_muted
from notifier_service.decisions.recipient import Recipient, is_muted, masked, recipient_contact, was_erased_after
from notifier_service.pages.layout import html_page
from notifier_service.pages.reader import localizer_of
from notifier_service.pages.session import page_context
from notifier_service.storage import muting, notifications, recipients
from notifier_service.storage.notifications import SentEmail
from notifier_service.unsubscribe_links import PATH, UnsubscribeLinks
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection, Engine, transaction

Change = Callable[[Connection, SentEmail], Awaitable[None]]
_PAGE: Final = "unsubscribe.html"


def router(engine: Engine, links: UnsubscribeLinks) -> APIRouter:
    """The page, for whoever has the link of an email."""
    pages = _Pages(engine, links)
    made = APIRouter(include_in_schema=False)
    made.get(PATH)(pages.show)
    made.post(PATH)(pages.change)
    return made


class _Link:
    """What the address of the page says; what is missing is empty, and no signature fits it."""

    def __init__(self, notification: str = "", signature: str = "") -> None:
        self.notification_id = notification
        self.signature = signature

    def to(self, **wish: int) -> str:
        """The same address with this wish alone, whatever the page was asked for with."""
        return "?" + urlencode({"notification": self.notification_id, "signature": self.signature, **wish})


class _Pages:
    """One method per request."""

    def __init__(self, engine: Engine, links: UnsubscribeLinks) -> None:
        self._engine = engine
        self._links = links

    async def show(self, request: Request, link: Annotated[_Link, Depends()]) -> HTMLResponse:
        """What the link stands for, and a button."""
        return await self._answer(request, link, None)

    async def change(self, request: Request, link: Annotated[_Link, Depends()], *, again: bool = False) -> HTMLResponse:
        """Mute the kind for the recipient, or not any more; a second time changes nothing."""
        return await self._answer(request, link, muting.unmute if again else muting.mute)

    async def _answer(self, request: Request, link: _Link, change: Change | None) -> HTMLResponse:
        """A change is made under the recipient's lock, so that none is left by a person who is just being forgotten."""
        look = recipients.lock if change else recipients.load
        if not self._links.is_genuine(link.notification_id, link.signature):
            return _unknown(request)
        async with transaction(self._engine) as connection:
            sent = await notifications.sent_email(connection, link.notification_id)
            if sent is None or not may_be_muted(sent.kind):
                return _unknown(request)
            known = await look(connection, [sent.account_id])
            if was_erased_after(sent.version, known[sent.account_id]):
                return _unknown(request)
            if change:
                await change(connection, sent)
            after = (await recipients.load(connection, [sent.account_id]))[sent.account_id]
        return _page(request, link, sent, after)


def _page(request: Request, link: _Link, sent: SentEmail, recipient: Recipient) -> HTMLResponse:
    contact = recipient_contact(recipient, sent.recipient_id)
    localizer = localizer_of(page_context(request).languages, contact, request.headers.get("accept-language", ""))
    shown = {
        "product": page_context(request).product,
        "kind": localizer.text(f"kind.{sent.kind}"),
        "address": masked(contact.email) if contact else "",
        "muted": is_muted(sent.kind, recipient, sent.recipient_id),
        "in_inbox": recipient.preferences.allows(sent.kind, Channel.INBOX),
        "stop": link.to(),
        "again": link.to(again=1),
    }
    return html_page(_PAGE, localizer, shown)


def _unknown(request: Request) -> HTMLResponse:
    """Nobody is known who could prefer a language, so the browser is asked."""
    context = page_context(request)
    localizer = localizer_of(context.languages, None, request.headers.get("accept-language", ""))
    return html_page("unknown_link.html", localizer, {"product": context.product}, status=HTTPStatus.NOT_FOUND)
