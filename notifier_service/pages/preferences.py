"""`/preferences`: which messages the account's contact gets, by email and in the inbox; a form, without JavaScript.

Opened by the link of an email, or with a token, as the other pages. What further recipients (R52) get is shown; they
mute a kind for themselves, by the unsubscribe link of its emails.
"""

from collections.abc import Collection, Iterator
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.preferences import Preferences, silenced, with_changes
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
_WAS_ON: Final = "was_on"


class PreferencesForm(NamedTuple):
    """The page as it was sent: `wanted`, and how it was `shown` before; None where the form does not say that."""

    shown: Preferences | None
    wanted: Preferences


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
        """Change what was changed on the form; the page again where a kind would fall silent."""
        form = read_form((await request.body()).decode("utf-8", "replace"))
        async with transaction(self._engine) as connection:
            stored = await stored_preferences.lock(connection, caller.account_id)
            changed = with_changes(stored, shown=form.shown or stored, wanted=form.wanted)
            if not silenced(changed):
                await stored_preferences.replace(connection, caller.account_id, changed)
        if silenced(changed):
            return _page(request, await self._recipient(caller.account_id), changed, saved=False)
        return RedirectResponse(f"{page_context(request).root}{_PATH}?saved=1", HTTPStatus.SEE_OTHER)

    async def _recipient(self, account_id: str) -> Recipient:
        """Nobody is known of an account that no lifecycle event has named, but what is switched off is."""
        async with transaction(self._engine) as connection:
            known = (await recipients.load(connection, [account_id])).get(account_id)
            switched_off = (await stored_preferences.load(connection, [account_id]))[account_id]
        return known or Recipient(account_id=account_id, preferences=switched_off)


def read_form(form: str) -> PreferencesForm:
    """From the fields of a form: each `on` is a `kind:channel`, `was_on` has all that were ticked when it was loaded.
    Pure.
    """
    fields = parse_qs(form, keep_blank_values=True)
    shown = all_but(fields[_WAS_ON][0].split()) if _WAS_ON in fields else None
    return PreferencesForm(shown, all_but(fields.get(_ON, ())))


def all_but(on: Collection[str]) -> Preferences:
    """Everything switched off but these, each `kind:channel`; what is unknown counts for nothing. Pure."""
    return Preferences(frozenset(pair for pair in _pairs() if ":".join(pair) not in on))


def _pairs() -> Iterator[tuple[str, Channel]]:
    return ((kind, channel) for kind, channels in CHANNELS.items() for channel in channels)


def _page(request: Request, recipient: Recipient, shown: Preferences, *, saved: bool) -> HTMLResponse:
    accepted = request.headers.get("accept-language", "")
    localizer = localizer_of(page_context(request).languages, recipient.contact, accepted)
    silent = silenced(shown)
    values: dict[str, Any] = {
        "product": page_context(request).product,
        "rows": list(_rows(shown, localizer)),
        "was_on": " ".join(":".join(pair) for pair in _pairs() if recipient.preferences.allows(*pair)),
        "channels": list(Channel),
        "saved": saved,
        "silent": _named(silent, localizer),
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
