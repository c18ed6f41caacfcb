"""How a page is opened: the link of an email, or a token, becomes a session in a cookie and leaves the address.

Routers of pages take `PageRoute` for their routes, which then take `AccountCaller` as everywhere; `app` puts one
`PageContext` into the application's state. The cookie holds a signed token of its own (`Guard.session_token`).
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute

from notifier_service.content.languages import Languages
from notifier_service.pages.layout import html_page
from notifier_service.pages.reader import localizer_of
from shared.web.auth import LINK_LIFETIME, SESSION_COOKIE, SESSION_LIFETIME, Guard, caller_of, unauthorized
from shared.web.problems import Problem

_PARAMETER: Final = "token"


@dataclass(frozen=True, slots=True)
class PageContext:
    """What every page needs; `public_url` is where recipients reach the service, perhaps below a path; `product`: the
    brand's name, which stands on every page.
    """

    languages: Languages
    public_url: str
    product: str | None = None

    @property
    def root(self) -> str:
        """The path before every path of ours in the browser; empty where there is none."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach the pages over HTTPS, so that the cookie need never travel otherwise."""
        return urlsplit(self.public_url).scheme == "https"


class PageRoute(APIRoute):
    """A page: a token in its address becomes a cookie, and who has no good one reads how to get it (401)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the session."""
        handle = super().get_route_handler()

        async def opened(request: Request) -> Response:
            exchange = request.method == "GET" and _PARAMETER in request.query_params
            try:
                await caller_of(request)
                return await (_with_session if exchange else handle)(request)
            except Problem as problem:
                if problem.status is HTTPStatus.UNAUTHORIZED:
                    return _ended_page(request)
                raise

        return opened


def page_context(request: Request) -> PageContext:
    """The one of the application."""
    context: PageContext = request.app.state.pages
    return context


async def _with_session(request: Request) -> Response:
    """The same address without the token, and the cookie instead. Raises `Problem` 401 where none can be signed."""
    guard: Guard = request.app.state.guard
    session = guard.session_token(await caller_of(request))
    if session is None:
        raise unauthorized("Without TENURE_AUTH_SECRET there are no sessions.")
    context = page_context(request)
    rest = urlencode([(name, value) for name, value in request.query_params.items() if name != _PARAMETER])
    there = f"{context.root}{request.url.path}{f'?{rest}' if rest else ''}"
    answer = RedirectResponse(there, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=int(SESSION_LIFETIME.total_seconds()),
        path=f"{context.root}/",
        secure=context.is_encrypted,
        httponly=True,
        samesite="lax",
    )
    return answer


def _ended_page(request: Request) -> Response:
    """Nobody is known who could prefer a language, so the browser is asked."""
    languages = page_context(request).languages
    localizer = localizer_of(languages, None, request.headers.get("accept-language", ""))
    hours = int(LINK_LIFETIME.total_seconds()) // 3600
    return html_page(
        "ended.html",
        localizer,
        {"hours": hours, "product": page_context(request).product},
        status=HTTPStatus.UNAUTHORIZED,
    )
