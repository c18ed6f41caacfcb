"""How an operator opens a page in a browser, which sends no bearer token by itself: a cookie holds the token.

It opens what the token opens and for as long, is sent to its page alone, and no script can read it. A page that changes
anything with it needs a check of its own that the request comes from itself.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from shared.web.auth import OPERATOR, Caller, Guard, unauthorized
from shared.web.problems import Problem


@dataclass(frozen=True, slots=True)
class OperatorCookie:
    """`path`: of the page, as browsers see it. With `lax`, a link on another site opens the page too."""

    name: str
    path: str
    same_site: Literal["strict", "lax"]

    def token_of(self, request: Request) -> str:
        """The token in the header, else that in the cookie; else empty."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        in_header = token.strip() if scheme.lower() == "bearer" else ""
        return in_header or request.cookies.get(self.name, "")

    async def operator(self, request: Request, token: str) -> Caller:
        """The operator whose token it is. Raises `Problem`: 401, 403, 429, 503."""
        if not token:
            raise unauthorized("A bearer token is needed.")
        guard: Guard = request.app.state.guard
        caller = await guard.caller(token)
        if not caller.operator:
            raise Problem(HTTPStatus.FORBIDDEN, f"The token's scope must hold {OPERATOR!r}.")
        return caller

    def logged_in(self, token: str, caller: Caller, *, encrypted: bool) -> Response:
        """To the page, with the cookie; the token leaves the address bar. `encrypted`: browsers use HTTPS."""
        answer = RedirectResponse(self.path, HTTPStatus.SEE_OTHER)
        answer.set_cookie(
            self.name,
            token,
            max_age=int(caller.seconds_left),
            path=self.path,
            httponly=True,
            samesite=self.same_site,
            secure=encrypted,
        )
        return answer

    def logged_out(self) -> Response:
        """To the page, without the cookie."""
        answer = RedirectResponse(self.path, HTTPStatus.SEE_OTHER)
        answer.delete_cookie(self.name, path=self.path, httponly=True, samesite=self.same_site)
        return answer
