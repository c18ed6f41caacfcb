"""`tenure token`: a bearer token, as the services check it: HS256 with `TENURE_AUTH_SECRET`, good for an hour."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from shared.runtime.settings import BadSettings
from tenure.connection_options import NotFound, add_whereabouts, settings_for

VALID_FOR: Final = timedelta(hours=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure token`."""
    parser.add_argument("account", metavar="ACCOUNT", help="the account id that the token speaks for")
    parser.add_argument("--operator", action="store_true", help="also for the operators' paths")
    add_whereabouts(parser)


def run(options: argparse.Namespace) -> int:
    """Print the token, and nothing else; the exit code."""
    try:
        secret = settings_for(options, "TENURE_AUTH_SECRET").auth_secret
    except (NotFound, BadSettings) as error:
        print(f"tenure token: {error}", file=sys.stderr)
        return 1
    if secret is None:
        print("tenure token: there is no TENURE_AUTH_SECRET to sign with", file=sys.stderr)
        return 1
    print(token(options.account, secret.get_secret_value(), operator=options.operator))
    return 0


def token(account: str, secret: str, *, operator: bool = False) -> str:
    """A token for this account from now on; `operator` adds the scope of that name."""
    now = datetime.now(UTC)
    claims: dict[str, Any] = {"sub": account, "iat": now, "exp": now + VALID_FOR}
    if operator:
        claims["scope"] = "operator"
    return jwt.encode(claims, secret, algorithm="HS256")
