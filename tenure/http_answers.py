"""What a service answers to an operator over HTTP, mostly JSON.

The token is made here, with `TENURE_AUTH_SECRET`. Standard library only, since the commands also run where only the
services are installed.
"""

import json
from collections.abc import Mapping
from http.client import responses
from typing import Any, Final
from urllib.request import Request

from shared.runtime.settings import Settings
from shared.web.fetching import Fetched, fetch
from tenure.terminal import harmless
from tenure.tokens import token

_TIMEOUT_SECONDS: Final = 30


class NoAnswer(Exception):
    """A service did not answer the question; the message says what it did instead. `status`: None where it is away."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


def operator_headers(account: str, settings: Settings) -> Mapping[str, str]:
    """The headers of an operator's request about this account."""
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else ""
    return {"Authorization": f"Bearer {token(account, secret, operator=True)}"}


def get(url: str, headers: Mapping[str, str], *, service: str, seconds: float = _TIMEOUT_SECONDS) -> Mapping[str, Any]:
    """The JSON answer to one request; no proxy is asked, since the service is ours.

    `service`: who is asked, such as `the notifier`; `seconds`: how long the answer may take. Raises `NoAnswer`.
    """
    return _answer(url, None, headers, service=service, seconds=seconds)


def post(url: str, document: Any, headers: Mapping[str, str], *, service: str) -> Mapping[str, Any]:
    """The JSON answer to a request that brings a JSON document. Raises `NoAnswer`."""
    body = json.dumps(document).encode()
    all_headers = {"Content-Type": "application/json", **headers}
    return _answer(url, body, all_headers, service=service, seconds=_TIMEOUT_SECONDS)


def get_bytes(url: str, headers: Mapping[str, str], *, service: str) -> bytes:
    """The answer to one request as it is; arguments as of `get`. Raises `NoAnswer`."""
    return _answered(url, None, headers, service=service, seconds=_TIMEOUT_SECONDS)


def _answer(
    url: str, body: bytes | None, headers: Mapping[str, str], *, service: str, seconds: float
) -> Mapping[str, Any]:
    answered = _answered(url, body, headers, service=service, seconds=seconds)
    try:
        page = json.loads(answered)
    except ValueError as error:
        raise NoAnswer(f"{service} at {url.partition('/api/')[0]} did not answer: {error}") from None
    if not isinstance(page, dict):
        raise NoAnswer(f"what answers at {url.partition('/api/')[0]} is not {service}")
    return page


def _answered(url: str, body: bytes | None, headers: Mapping[str, str], *, service: str, seconds: float) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"{url} is no address of a page")
    request = Request(url, data=body, headers=dict(headers))  # noqa: S310 - checked above
    try:
        answer = fetch(request, seconds=seconds)
    except (OSError, ValueError) as error:
        raise NoAnswer(f"{service} at {url.partition('/api/')[0]} did not answer: {error}") from None
    if not answer.is_success:
        raise NoAnswer(_problem(answer, service), answer.status)
    return answer.body


def _problem(answer: Fetched, service: str) -> str:
    """The sentence of the problem document, where the answer is one."""
    try:
        return harmless(str(json.loads(answer.body)["detail"]))
    except (ValueError, KeyError, TypeError):
        return f"{service} answered {answer.status} {responses.get(answer.status, '')}".rstrip()
