"""Bearer tokens for services that run with `SECRET`."""

from datetime import UTC, datetime, timedelta
from typing import Final

import jwt

SECRET: Final = "only for tests, and long enough for HS256"
"""`TENURE_AUTH_SECRET` of every service that tests start."""


def bearer(account_id: str, scope: str = "") -> dict[str, str]:
    """The `Authorization` header of a token for this account."""
    claims = {"sub": account_id, "scope": scope, "exp": datetime.now(UTC) + timedelta(hours=1)}
    return {"Authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def operator() -> dict[str, str]:
    """The header of a token for the operators' paths."""
    return bearer("ops", "operator")
