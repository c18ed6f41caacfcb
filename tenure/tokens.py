"""Bearer tokens as the services check them: HS256 with `TENURE_AUTH_SECRET`, valid for one hour."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from shared.web.tokens import HMAC, check_secret

VALID_FOR: Final = timedelta(hours=1)


def token(account: str, secret: str, *, operator: bool = False) -> str:
    """A token for this account from now on; `operator` adds the scope of that name.

    Raises `BadSettings` for a secret that the services would refuse.
    """
    check_secret(secret)
    now = datetime.now(UTC)
    claims: dict[str, Any] = {"sub": account, "iat": now, "exp": now + VALID_FOR}
    if operator:
        claims["scope"] = "operator"
    return jwt.encode(claims, secret, algorithm=HMAC)
