"""Authentication: bearer tokens, and signed links. Checked against real time, also with the test clock on.

A link gives access to the inbox of one account only: it never makes an operator, and no access token counts as a link.
`build_http` puts one `Guard` into the application's state; routes take `AccountCaller` or `OperatorCaller`.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.runtime.settings import BadSettings, Settings
from shared.web.problems import Problem

logger = logging.getLogger(__name__)

OPERATOR: Final = "operator"
LINK_AUDIENCE: Final = "tenure-link"
LINK_LIFETIME: Final = timedelta(hours=24)
MIN_SECRET_BYTES: Final = 32
_HMAC: Final = "HS256"
_ASYMMETRIC: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY_SECONDS: Final = 5
_JWKS_TIMEOUT_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `account_id`: the token's `sub`; `operator`: its scope has `operator`."""

    account_id: str
    operator: bool


class Guard:
    """Checks tokens with `TENURE_AUTH_SECRET` (HS256), with the keys at `TENURE_AUTH_JWKS_URL`, or with both."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings` where the secret is too short for HS256."""
        self._secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None
        self._audience = settings.auth_audience
        if self._secret is None and settings.auth_jwks_url is None:
            logger.warning("neither TENURE_AUTH_SECRET nor TENURE_AUTH_JWKS_URL is set: every token is refused")
        if self._secret is not None and len(self._secret.encode()) < MIN_SECRET_BYTES:
            raise BadSettings(f"TENURE_AUTH_SECRET: at least {MIN_SECRET_BYTES} bytes are needed for HS256.")
        url = settings.auth_jwks_url
        self._keys = jwt.PyJWKClient(url, timeout=_JWKS_TIMEOUT_SECONDS, cache_jwk_set=True) if url else None

    async def caller(self, token: str) -> Caller:
        """Who the token names. Raises `Problem`: 401 for a bad token, 503 where the keys cannot be fetched."""
        try:
            claims = await self._claims(token)
        except jwt.PyJWKClientConnectionError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The keys to check tokens with cannot be fetched.") from None
        except jwt.PyJWTError:
            raise unauthorized("The token is not valid, or has expired.") from None
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise unauthorized("The token names no account.")
        if _is_link(claims):
            return Caller(subject, operator=False)
        return Caller(subject, operator=OPERATOR in str(claims.get("scope", "")).split())

    def link_token(self, account_id: str) -> str | None:
        """A token for a link to this account's inbox, valid for 24 hours; None without a secret to sign it with."""
        if self._secret is None:
            return None
        now = int(time.time())
        claims = {"sub": account_id, "aud": LINK_AUDIENCE, "iat": now, "exp": now + int(LINK_LIFETIME.total_seconds())}
        return jwt.encode(claims, self._secret, algorithm=_HMAC)

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature, time and audience are good. Raises `jwt.PyJWTError`."""
        by_secret = jwt.get_unverified_header(token).get("alg") == _HMAC
        key, algorithms = (self._secret, (_HMAC,)) if by_secret else (await self._public_key(token), _ASYMMETRIC)
        if key is None:
            raise jwt.InvalidKeyError
        options: Any = {"verify_aud": False}
        claims: dict[str, Any] = jwt.decode(token, key, algorithms, leeway=_LEEWAY_SECONDS, options=options)
        self._check_audience(claims, by_secret=by_secret)
        return claims

    async def _public_key(self, token: str) -> Any:
        if self._keys is None:
            return None
        return await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)

    def _check_audience(self, claims: dict[str, Any], *, by_secret: bool) -> None:
        """A link is signed with our secret and expires; an access token names `TENURE_AUTH_AUDIENCE`, if set."""
        if _is_link(claims):
            if not by_secret or "exp" not in claims:
                raise jwt.InvalidAudienceError
        elif self._audience is not None and self._audience not in _audiences(claims):
            raise jwt.InvalidAudienceError


def unauthorized(detail: str) -> Problem:
    """401, with the challenge that RFC 9110 requires."""
    return Problem(HTTPStatus.UNAUTHORIZED, detail, {"WWW-Authenticate": "Bearer"})


_Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


async def _account(
    request: Request,
    bearer: _Bearer,
    token: Annotated[str | None, Query(description="The token, where no header can be sent (link, stream).")] = None,
) -> Caller:
    given = bearer.credentials if bearer else token
    if not given:
        raise unauthorized("A bearer token is needed.")
    return await _guard(request).caller(given)


async def _operator(request: Request, bearer: _Bearer) -> Caller:
    if not bearer:
        raise unauthorized("A bearer token is needed.")
    caller = await _guard(request).caller(bearer.credentials)
    if not caller.operator:
        raise Problem(HTTPStatus.FORBIDDEN, f"The token's scope must contain {OPERATOR!r}.")
    return caller


AccountCaller = Annotated[Caller, Depends(_account)]
"""A route's caller: whoever a valid token or signed link names."""
OperatorCaller = Annotated[Caller, Depends(_operator)]
"""A route's caller: a valid access token with the scope `operator`."""


def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


def _is_link(claims: dict[str, Any]) -> bool:
    return LINK_AUDIENCE in _audiences(claims)


def _audiences(claims: dict[str, Any]) -> list[str]:
    given = claims.get("aud", [])
    return [given] if isinstance(given, str) else list(given)
