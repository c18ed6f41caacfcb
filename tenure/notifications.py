"""What the notifier decided about an account, as it tells operators over HTTP.

The token is made here, with `TENURE_AUTH_SECRET`; the notifier is found at `TENURE_NOTIFIER_URL`, or where that is not
set, at `TENURE_PUBLIC_URL`. Standard library only, since the command also runs where only the services are installed.
"""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import ProxyHandler, Request, build_opener

from shared.runtime.settings import Settings
from tenure.terminal import harmless
from tenure.tokens import token

PAGE_SIZE: Final = 500
_TIMEOUT_SECONDS: Final = 30


class NoAnswer(Exception):
    """The notifier did not answer the question; the message says what it did instead."""


def decisions(account: str, settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Every decision, the newest first. Raises `NoAnswer`."""
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else ""
    headers = {"Authorization": f"Bearer {token(account, secret, operator=True)}"}
    query: dict[str, Any] = {"account_id": account, "limit": PAGE_SIZE}
    address = (settings.notifier_url or settings.public_url).rstrip("/")
    while True:
        page = _get(f"{address}/api/notifications?{urlencode(query)}", headers)
        yield from page["notifications"]
        if page["before"] is None:
            return
        query["before"] = page["before"]


def _get(url: str, headers: Mapping[str, str]) -> Mapping[str, Any]:
    """The JSON answer to one request; no proxy is asked, since the notifier is ours."""
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"{url} is no address of a page")
    request = Request(url, headers=dict(headers))  # noqa: S310 - checked above
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_TIMEOUT_SECONDS) as answer:
            page: Mapping[str, Any] = json.load(answer)
    except HTTPError as error:
        raise NoAnswer(_problem(error)) from None
    except (URLError, TimeoutError, ValueError) as error:
        raise NoAnswer(f"the notifier at {url.partition('/api/')[0]} did not answer: {error}") from None
    return page


def _problem(error: HTTPError) -> str:
    """The sentence of the problem document, where the answer is one."""
    try:
        return harmless(str(json.load(error)["detail"]))
    except (ValueError, KeyError, TypeError):
        return f"the notifier answered {error.code} {HTTPStatus(error.code).phrase}"
