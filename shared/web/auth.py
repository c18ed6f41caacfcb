"""Who calls: bearer tokens, and the signed links that emails carry. Judged by real time, also with the test clock on.

A link stands for its account's inbox only: it never makes an operator, and no access token passes for a link.
`app` puts one `Guard` into the HTTP app's state; routes take `AccountCaller` or `OperatorCaller`.
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
    """`account_id` is the token's `sub`."""

    account_id: str
    operator: bool


class Guard:
    """Checks tokens with the shared secret (HS256), with the keys of a JWKS address, or with either."""

    def __init__(self, settings: Settings) -> None:
        """Raises `BadSettings` where the secret is too short to be one."""
        self._secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None
        self._audience = settings.auth_audience
        if self._secret is None and settings.auth_jwks_url is None:
            logger.warning("neither TENURE_AUTH_SECRET nor TENURE_AUTH_JWKS_URL is set: every token is refused")
        if self._secret is not None and len(self._secret.encode()) < MIN_SECRET_BYTES:
            raise BadSettings(f"TENURE_AUTH_SECRET: at least {MIN_SECRET_BYTES} bytes are needed for HS256.")
        url = settings.auth_jwks_url
        self._keys = jwt.PyJWKClient(url, timeout=_JWKS_TIMEOUT_SECONDS, cache_jwk_set=True) if url else None

    async def caller(self, token: str) -> Caller:
        """Whose token this is. Raises `Problem` 401."""
        try:
            claims = await self._claims(token)
        except jwt.PyJWKClientConnectionError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The keys to check tokens with are away just now.") from None
        except jwt.PyJWTError:
            raise unauthorized("The token is not valid, or not any more.") from None
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise unauthorized("The token names no account.")
        if _is_link(claims):
            return Caller(subject, operator=False)
        return Caller(subject, operator=OPERATOR in str(claims.get("scope", "")).split())

    def link_token(self, account_id: str) -> str | None:
        """A token for a link in a mail to this account; None without a secret to sign it with."""
        if self._secret is None:
            return None
        now = int(time.time())
        claims = {"sub": account_id, "aud": LINK_AUDIENCE, "iat": now, "exp": now + int(LINK_LIFETIME.total_seconds())}
        return jwt.encode(claims, self._secret, algorithm=_HMAC)

    async def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature and time are good. Raises `jwt.PyJWTError`."""
        ours = jwt.get_unverified_header(token).get("alg") == _HMAC
        key, algorithms = (self._secret, (_HMAC,)) if ours else (await self._public_key(token), _ASYMMETRIC)
        if key is None:
            raise jwt.InvalidKeyError
        options: Any = {"verify_aud": False}
        claims: dict[str, Any] = jwt.decode(token, key, algorithms, leeway=_LEEWAY_SECONDS, options=options)
        self._check_audience(claims, ours=ours)
        return claims

    async def _public_key(self, token: str) -> Any:
        if self._keys is None:
            return None
        return await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)

    def _check_audience(self, claims: dict[str, Any], *, ours: bool) -> None:
        """Links are signed by us and end; access tokens are for us where a setting says who we are."""
        if _is_link(claims):
            if not ours or "exp" not in claims:
                raise jwt.InvalidAudienceError
        elif self._audience is not None and self._audience not in _audiences(claims):
            raise jwt.InvalidAudienceError


def unauthorized(detail: str) -> Problem:
    """401, with the challenge that HTTP asks for."""
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
        raise Problem(HTTPStatus.FORBIDDEN, f"The token's scope must hold {OPERATOR!r}.")
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
