"""`tenure why ACCOUNT`: every notification decision of an account with its reason, as the notifier tells operators.

The token is made here, with `TENURE_AUTH_SECRET`; the notifier is found at `TENURE_PUBLIC_URL` or by the ready file.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from shared.runtime.settings import BadSettings, Settings
from tenure.commands.token import token
from tenure.connection_options import NotFound, add_whereabouts, settings_for
from tenure.terminal import harmless, table

_HEAD: Final = ("decided at", "about", "channel", "status", "attempts", "reason")
_PAGE: Final = 500
_SECONDS: Final = 30


class NoAnswer(Exception):
    """The notifier did not say; the message tells what it did instead."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tenure why`."""
    parser.add_argument("account", metavar="ACCOUNT", help="the account id")
    add_whereabouts(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, and print a table, the oldest decision first; the exit code."""
    try:
        found = list(decisions(options.account, settings_for(options, "TENURE_AUTH_SECRET")))
    except (NotFound, NoAnswer, BadSettings) as error:
        print(f"tenure why: {error}", file=sys.stderr)
        return 1
    print(table(_HEAD, [_row(decision) for decision in reversed(found)]))
    return 0


def decisions(account: str, settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Every decision, the newest first. Raises `NoAnswer`."""
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else ""
    headers = {"Authorization": f"Bearer {token(account, secret, operator=True)}"}
    asked: dict[str, Any] = {"account_id": account, "limit": _PAGE}
    while True:
        page = _asked(f"{settings.public_url.rstrip('/')}/api/notifications?{urlencode(asked)}", headers)
        yield from page["notifications"]
        if page["before"] is None:
            return
        asked["before"] = page["before"]


def _asked(url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """One answer of the notifier, which is ours: no proxy stands between."""
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"TENURE_PUBLIC_URL: {url} is no address of a page")
    request = Request(url, headers=dict(headers))  # noqa: S310 - checked above
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as answer:
            page: Mapping[str, Any] = json.load(answer)
    except HTTPError as error:
        raise NoAnswer(_told(error)) from None
    except (URLError, TimeoutError, ValueError) as error:
        raise NoAnswer(f"the notifier at {url.partition('/api/')[0]} did not answer: {error}") from None
    return page


def _told(error: HTTPError) -> str:
    """The problem document's sentence, where it is one."""
    try:
        return harmless(str(json.load(error)["detail"]))
    except (ValueError, KeyError, TypeError):
        return f"the notifier answered {error.code} {HTTPStatus(error.code).phrase}"


def _row(decision: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("created_at", "kind", "channel", "status", "attempts", "reason")
    return tuple("" if decision[name] is None else str(decision[name]) for name in names)
