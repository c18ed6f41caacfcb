"""Who may see the page: whoever has an operator's token, in the header, in the page's cookie, or once in a link.

The cookie holds the token itself, so it opens what the token opens and for as long. It goes to `/ops` only, no script
can read it, and other sites cannot send it with a form: there is nothing here that a `POST` would change but the
cookie.
"""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from shared.web.auth import Caller, Guard
from shared.web.problems import Problem

COOKIE: Final = "tenure_ops"
PATH: Final = "/ops"


class NotAdmitted(Exception):
    """Whoever asks is shown the login page, with this status and, where a token was given, why it does not do."""

    def __init__(self, problem: Problem, *, asked: bool) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.told = problem.detail if asked else ""


async def operator(request: Request) -> Caller:
    """The operator who asks. Raises `NotAdmitted`, and `Problem` 429 and 503."""
    token = token_of(request)
    guard: Guard = request.app.state.guard
    if token is None:
        raise NotAdmitted(_unauthorized("A bearer token is needed."), asked=False)
    return await admitted(guard, token)


async def admitted(guard: Guard, token: str) -> Caller:
    """Whose operator's token it is. Raises `NotAdmitted`, and `Problem` 429 and 503."""
    try:
        caller = await guard.caller(token)
    except Problem as problem:
        if problem.status is HTTPStatus.UNAUTHORIZED:
            raise NotAdmitted(problem, asked=True) from None
        raise
    if not caller.operator:
        refused = Problem(HTTPStatus.FORBIDDEN, "The token's scope must hold 'operator'.")
        raise NotAdmitted(refused, asked=True)
    return caller


def token_of(request: Request) -> str | None:
    """That of the header, else that of the cookie."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.cookies.get(COOKIE)


def logged_in(request: Request, token: str, caller: Caller) -> Response:
    """To the page, with the cookie; the token leaves the address bar."""
    answer = RedirectResponse(PATH, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(caller.seconds_left),
        path=PATH,
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def logged_out() -> Response:
    """To the login page, without the cookie."""
    answer = RedirectResponse(PATH, HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="lax")
    return answer


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of ours, as browsers tell; a program tells nothing."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _unauthorized(detail: str) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})
