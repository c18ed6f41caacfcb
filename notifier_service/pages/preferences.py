"""`/preferences`: which messages the account's contact gets, by email and in the inbox; a form, without JavaScript.

Opened by the link of an email, or with a token, as the other pages. What further recipients (R52) get is shown; they
mute a kind for themselves, by the unsubscribe link of its emails.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.preferences import InvalidPreferences, Preferences, validate_preferences
from notifier_service.decisions.recipient import Recipient, masked
from notifier_service.pages.layout import html_page
from notifier_service.pages.reader import localizer_of
from notifier_service.pages.session import PageRoute, page_context
from notifier_service.storage import preferences as stored_preferences
from notifier_service.storage import recipients
from shared.contracts.outcomes import Channel
from shared.contracts.types import FurtherRecipient
from shared.storage.database import Engine, transaction
from shared.web.auth import AccountCaller

_PATH: Final = "/preferences"
_ON: Final = "on"


class _Row(NamedTuple):
    """One kind; `on`: channel -> whether it is switched on, of those that the kind has."""

    kind: str
    name: str
    protected: bool
    on: dict[Channel, bool]


def router(engine: Engine) -> APIRouter:
    """The page, for whoever has a session or a token."""
    pages = _Pages(engine)
    made = APIRouter(route_class=PageRoute, include_in_schema=False)
    made.get(_PATH)(pages.show)
    made.post(_PATH)(pages.save)
    return made


class _Pages:
    """One method per request."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def show(self, request: Request, caller: AccountCaller, *, saved: bool = False) -> HTMLResponse:
        """What is switched on."""
        recipient = await self._recipient(caller.account_id)
        return _page(request, recipient, recipient.preferences, saved=saved)

    async def save(self, request: Request, caller: AccountCaller) -> Response:
        """Replace it as a whole by what the form says; the page again where a kind would fall silent."""
        wanted = preferences_of((await request.body()).decode("utf-8", "replace"))
        try:
            validate_preferences(wanted)
        except InvalidPreferences:
            return _page(request, await self._recipient(caller.account_id), wanted, saved=False)
        async with transaction(self._engine) as connection:
            await stored_preferences.replace(connection, caller.account_id, wanted)
        return RedirectResponse(f"{page_context(request).root}{_PATH}?saved=1", HTTPStatus.SEE_OTHER)

    async def _recipient(self, account_id: str) -> Recipient:
        """Nobody is known of an account that no lifecycle event has named, but what is switched off is."""
        async with transaction(self._engine) as connection:
            known = (await recipients.load(connection, [account_id])).get(account_id)
            switched_off = (await stored_preferences.load(connection, [account_id]))[account_id]
        return known or Recipient(account_id=account_id, preferences=switched_off)


def preferences_of(form: str) -> Preferences:
    """From the fields `on` of a form, each `kind:channel`: what is not named there is switched off. Pure."""
    on = {value for name, value in parse_qsl(form) if name == _ON}
    pairs = ((kind, channel) for kind, channels in CHANNELS.items() for channel in channels)
    return Preferences(frozenset((kind, channel) for kind, channel in pairs if f"{kind}:{channel}" not in on))


def _page(request: Request, recipient: Recipient, shown: Preferences, *, saved: bool) -> HTMLResponse:
    accepted = request.headers.get("accept-language", "")
    localizer = localizer_of(page_context(request).languages, recipient.contact, accepted)
    rows = list(_rows(shown, localizer))
    silent = [row.name for row in rows if row.protected and not any(row.on.values())]
    values: dict[str, Any] = {
        "product": page_context(request).product,
        "rows": rows,
        "channels": list(Channel),
        "saved": saved,
        "silent": localizer.listing(silent),
        "account": recipient.account_id,
        "others": [_other(each, recipient, localizer) for each in recipient.further],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if silent else HTTPStatus.OK
    return html_page("preferences.html", localizer, values, status=status)


def _rows(preferences: Preferences, localizer: Localizer) -> Iterator[_Row]:
    for kind, channels in CHANNELS.items():
        if channels:
            on = {channel: preferences.allows(kind, channel) for channel in channels}
            yield _Row(kind, localizer.text(f"kind.{kind}"), kind in PROTECTED, on)


def _other(recipient: FurtherRecipient, account: Recipient, localizer: Localizer) -> dict[str, Any]:
    """A further recipient, and the kinds that it gets (None: all) and has muted."""
    emailed = [kind for kind, channels in CHANNELS.items() if Channel.EMAIL in channels]
    kinds = [kind for kind in emailed if recipient.gets(kind)]
    muted = [kind for kind in emailed if (recipient.recipient_id, kind) in account.muted_by_further]
    return {
        "name": recipient.name or recipient.recipient_id,
        "address": masked(recipient.email),
        "kinds": None if recipient.kinds is None else _named(kinds, localizer),
        "muted": _named(muted, localizer),
    }


def _named(kinds: list[str], localizer: Localizer) -> str:
    return localizer.listing([localizer.text(f"kind.{kind}") for kind in kinds])
