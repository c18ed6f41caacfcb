"""Bearer tokens (JWT, RFC 7519): whether one is signed, has the claims that it should have, and holds now. Pure.

Whatever a token contains, it is either good or `InvalidToken`, never another error: everything in it was written by
whoever sends it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import jwt
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from shared.runtime.settings import BadSettings
from shared.web import limits

HMAC: Final = "HS256"
MIN_SECRET_BYTES: Final = 32
PUBLIC_KEY_ALGORITHMS: Final = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
)
_LEEWAY_SECONDS: Final = 5
_YEAR_9999: Final = 253_402_300_799
_SIGNATURE_ONLY: Final[Any] = {
    "verify_signature": True,
    **dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss"), False),
    **dict.fromkeys(("verify_sub", "verify_jti"), False),
}


class InvalidToken(Exception):
    """The token is malformed, signed by somebody else, or does not hold now."""


def check_secret(secret: str) -> None:
    """Raises `BadSettings` where no token can be signed with it that the services would take."""
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise BadSettings(f"TENURE_AUTH_SECRET: at least {MIN_SECRET_BYTES} bytes are needed for HS256.")
    try:
        jwt.encode({}, secret, algorithm=HMAC)
    except jwt.InvalidKeyError:
        raise BadSettings("TENURE_AUTH_SECRET: a secret for HS256 is needed, not a key in PEM or JWK.") from None


@dataclass(frozen=True, slots=True)
class Header:
    """What a token says about its own signature; nothing of it is proven. `kid` is "" where there is none."""

    algorithm: str
    key_id: str


_Date = Annotated[float, Field(ge=0, le=_YEAR_9999, allow_inf_nan=False)]


class Claims(BaseModel):
    """The claims that Tenure reads, exactly typed. Dates are seconds since 1970; `exp` is required."""

    model_config = ConfigDict(strict=True, frozen=True)

    sub: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
    exp: _Date
    nbf: _Date = 0.0
    iat: _Date = 0.0
    aud: str | list[str] = []
    scope: str = ""

    @property
    def audiences(self) -> Sequence[str]:
        """`aud` as a list; empty where there is none."""
        return [self.aud] if isinstance(self.aud, str) else self.aud

    @property
    def scopes(self) -> Sequence[str]:
        """The words of `scope`, separated by single spaces (RFC 6749)."""
        return self.scope.split(" ")


def header_of(token: str) -> Header:
    """What the token says about its signature. Raises `InvalidToken`."""
    if len(token) > limits.TOKEN_CHARACTERS:
        raise InvalidToken
    try:
        header = jwt.get_unverified_header(token)
    except Exception:  # noqa: BLE001 - see the module
        raise InvalidToken from None
    return Header(_text(header.get("alg")), _text(header.get("kid")))


def claims_of(token: str, key: Any, algorithms: Sequence[str], *, now: float) -> Claims:
    """The claims of a token that this key has signed and that holds at `now`. Raises `InvalidToken`."""
    try:
        claims = Claims.model_validate(jwt.decode(token, key, algorithms, options=_SIGNATURE_ONLY))
    except Exception:  # noqa: BLE001 - see the module
        raise InvalidToken from None
    if max(claims.nbf, claims.iat) > now + _LEEWAY_SECONDS or claims.exp <= now - _LEEWAY_SECONDS:
        raise InvalidToken
    return claims


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
