"""Who may see the page: whoever has an operator's token, in the header, in the page's cookie, or once in a link.

Other sites cannot send the cookie with a form, and there is nothing here that a `POST` would change but the cookie.
"""

from http import HTTPStatus
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from shared.web.auth import Caller
from shared.web.operator_cookie import OperatorCookie
from shared.web.problems import Problem

COOKIE: Final = OperatorCookie("tenure_ops", "/ops", "lax")


class NotAdmitted(Exception):
    """Whoever asks is shown the login page, with the problem's status; `refusal`: why the token that was given does not
    do, or nothing.
    """

    def __init__(self, problem: Problem, *, refusal: str) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.refusal = refusal


async def operator(request: Request) -> Caller:
    """The operator who asks. Raises `NotAdmitted`, and `Problem` 429 and 503."""
    return await _admitted(request, COOKIE.token_of(request))


async def log_in(request: Request, token: str) -> Response:
    """To the page, with its cookie. Raises `NotAdmitted`, and `Problem` 429 and 503."""
    caller = await _admitted(request, token)
    return COOKIE.logged_in(token, caller, encrypted=request.url.scheme == "https")


def is_from_here(request: Request) -> bool:
    """Whether a form was sent by a page of ours, as browsers tell; a program tells nothing."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


async def _admitted(request: Request, token: str) -> Caller:
    try:
        return await COOKIE.operator(request, token)
    except Problem as problem:
        if problem.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise NotAdmitted(problem, refusal=problem.detail if token else "") from None
        raise
