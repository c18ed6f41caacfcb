"""Authentication: bearer tokens, signed links, sessions. Checked against real time, also with the test clock on.

A link opens what its pages need (reading the inbox of one account, marking it as read, what comes where), nothing else:
it never makes an operator, and no access token counts as a link. A page of ours exchanges it for a session, a token in
a cookie that opens one account's pages, and like the link nothing else. `build_http` puts one `Guard` into the
application's state; routes take `AccountCaller`, `AccountOwner` or `OperatorCaller`, and are `AuthenticatedRoute`s.
"""

import re
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, Query, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.contracts.scalars import ID_PATTERN
from shared.runtime.log_lines import NO_TOKENS
from shared.runtime.settings import Settings
from shared.web.issuer_keys import IssuerKeys, KeysAway
from shared.web.problems import Problem
from shared.web.rate_limits import RateLimit
from shared.web.same_origin import check_same_origin
from shared.web.tokens import HMAC, PUBLIC_KEY_ALGORITHMS, Claims, InvalidToken, check_secret, claims_of, header_of

OPERATOR: Final = "operator"
LINK_AUDIENCE: Final = "tenure-link"
LINK_LIFETIME: Final = timedelta(hours=24)
SESSION_AUDIENCE: Final = "tenure-session"
SESSION_LIFETIME: Final = timedelta(hours=12)
SESSION_COOKIE: Final = "tenure_session"
_RETRY_AFTER_SECONDS: Final = "10"
_ACCOUNT_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    `account_id`: the token's `sub`, which is checked to be an account's id where a route takes `AccountCaller`.
    `operator`: the scope has `operator`; `link`: it is the link of an email; `session`: the cookie of our pages, which
    was perhaps given for a link; `expires_at`: seconds since 1970.
    """

    account_id: str
    operator: bool
    link: bool
    session: bool
    expires_at: float

    @property
    def seconds_left(self) -> float:
        """How long the token still holds; 0 when it has expired."""
        return max(0.0, self.expires_at - time.time())


class Guard:
    """Checks tokens with `TENURE_AUTH_SECRET` (HS256), with the keys at `TENURE_AUTH_JWKS_URL`, or with both."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings` where the secret cannot be one for HS256."""
        self._secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None
        self._audience = settings.auth_audience
        self._rate = RateLimit(settings.http_rate_per_token)
        if self._secret is None and settings.auth_jwks_url is None:
            NO_TOKENS.say()
        if self._secret is not None:
            check_secret(self._secret)
        self._issuer = IssuerKeys(settings.auth_jwks_url) if settings.auth_jwks_url else None

    async def caller(self, token: str) -> Caller:
        """Who the token names.

        Raises `Problem`: 401 for a bad token, 429 for one that is used too often, 503 where its key cannot be fetched.
        """
        try:
            claims = await self._claims(token)
        except InvalidToken:
            raise unauthorized("The token is malformed, expired, or signed with another key.") from None
        except KeysAway:
            detail = "The keys that tokens are checked with cannot be fetched now."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": _RETRY_AFTER_SECONDS}) from None
        link = _is_link(claims)
        await self._rate.count(claims.sub, "link" if link else "")
        session = SESSION_AUDIENCE in claims.audiences
        return Caller(claims.sub, operator=_is_operator(claims), link=link, session=session, expires_at=claims.exp)

    def link_token(self, account_id: str) -> str | None:
        """A token for a link in a mail to this account; None without a secret to sign it with."""
        return self._token(account_id, LINK_AUDIENCE, time.time() + LINK_LIFETIME.total_seconds())

    def session_token(self, caller: Caller) -> str | None:
        """A token for the cookie of this account's pages; None without a secret to sign it with.

        It holds for `SESSION_LIFETIME`. What is no link of an email, but an access token or another session, gives one
        that ends no later than itself.
        """
        until = time.time() + SESSION_LIFETIME.total_seconds()
        return self._token(caller.account_id, SESSION_AUDIENCE, until if caller.link else min(until, caller.expires_at))

    def _token(self, account_id: str, audience: str, until: float) -> str | None:
        if self._secret is None:
            return None
        claims = {"sub": account_id, "aud": audience, "iat": int(time.time()), "exp": int(until)}
        return jwt.encode(claims, self._secret, algorithm=HMAC)

    async def _claims(self, token: str) -> Claims:
        """Raises `InvalidToken`, `KeysAway`."""
        header = header_of(token)
        ours = header.algorithm == HMAC
        key = self._secret if ours else await self._public_key(header.key_id)
        if key is None:
            raise InvalidToken
        claims = claims_of(token, key, (HMAC,) if ours else PUBLIC_KEY_ALGORITHMS, now=time.time())
        self._check_audience(claims, ours=ours)
        return claims

    async def _public_key(self, key_id: str) -> jwt.PyJWK | None:
        return await self._issuer.key(key_id) if self._issuer and key_id else None

    def _check_audience(self, claims: Claims, *, ours: bool) -> None:
        """A link or a session is signed with our secret; an access token has our audience, where one is set."""
        made_by_us = not {LINK_AUDIENCE, SESSION_AUDIENCE}.isdisjoint(claims.audiences)
        accepted = ours if made_by_us else self._audience is None or self._audience in claims.audiences
        if not accepted:
            raise InvalidToken


def unauthorized(detail: str) -> Problem:
    """401, with the challenge that HTTP asks for."""
    return Problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})


class AuthenticatedRoute(APIRoute):
    """A route whose caller is known before anything of the request's body is read: without a good token, 401."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, behind the check of the token."""
        handle = super().get_route_handler()

        async def authenticated(request: Request) -> Response:
            await caller_of(request)
            return await handle(request)

        return authenticated


_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
"""Declares the header in the OpenAPI document; `caller_of` reads it."""
_Parameter = Annotated[
    str | None, Query(alias="token", description="The token, where no header can be sent (link, stream).")
]
"""Declares the parameter in the same way."""


async def _account(request: Request, _: _Bearer, __: _Parameter = None) -> Caller:
    caller = await caller_of(request)
    if not _ACCOUNT_ID.fullmatch(caller.account_id):
        raise unauthorized("The token names no account.")
    return caller


async def _account_owner(caller: Annotated[Caller, Depends(_account)]) -> Caller:
    if caller.link or caller.session:
        raise Problem(HTTPStatus.FORBIDDEN, "A link or a page's cookie opens pages only; this needs an access token.")
    return caller


async def _operator(request: Request, _: _Bearer) -> Caller:
    caller = await caller_of(request, header_only=True)
    if not caller.operator:
        raise Problem(HTTPStatus.FORBIDDEN, f"The token's scope must hold {OPERATOR!r}.")
    return caller


AccountCaller = Annotated[Caller, Depends(_account)]
"""For a route's parameter: the account that the token or the signed link names."""
AccountOwner = Annotated[Caller, Depends(_account_owner)]
"""For a route's parameter: the account that an access token names; a link, or the cookie given for it, gets 403."""
OperatorCaller = Annotated[Caller, Depends(_operator)]
"""For a route's parameter: the caller of an access token with the scope `operator`."""


async def _maybe_operator(request: Request, _: _Bearer) -> bool:
    """Raises `Problem` where a token is given that is no operator's."""
    if not _token_in_header(request):
        return False
    await _operator(request, None)
    return True


MaybeOperator = Annotated[bool, Depends(_maybe_operator)]
"""For a route's parameter, where something else than a token may authorise: whether an operator calls."""


async def operators_only(_: OperatorCaller) -> None:
    """For a router: 401 without a token, 403 with one that is not an operator's."""


async def caller_of(request: Request, *, header_only: bool = False) -> Caller:
    """Whose token the request carries: in its header, else as a parameter, else in the cookie of a page of ours.

    Looked at once per request. Raises `Problem`: 401 without a good one, 403 for a change that another site asks for.
    """
    token = _token_in_header(request) or (None if header_only else _token_beside_header(request))
    if not token:
        raise unauthorized("A bearer token is needed.")
    if not hasattr(request.state, "caller"):
        guard: Guard = request.app.state.guard
        request.state.caller = await guard.caller(token)
    known: Caller = request.state.caller
    return known


def _token_beside_header(request: Request) -> str | None:
    """Raises `Problem` 403: a browser sends the cookie along for whichever site has written the form."""
    if given := request.query_params.get("token"):
        return given
    if cookie := request.cookies.get(SESSION_COOKIE):
        check_same_origin(request)
    return cookie


def _token_in_header(request: Request) -> str | None:
    """Raises `Problem` 401 where there are several."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise unauthorized("One bearer token is needed, not several.")
    scheme, _, token = (given or [""])[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _is_link(claims: Claims) -> bool:
    return LINK_AUDIENCE in claims.audiences


def _is_operator(claims: Claims) -> bool:
    return OPERATOR in claims.scopes and {LINK_AUDIENCE, SESSION_AUDIENCE}.isdisjoint(claims.audiences)
