"""What the notifier decided about an account, and the mails that it sent, as it tells operators over HTTP.

The notifier is found at `TENURE_NOTIFIER_URL`, or where that is not set, at `TENURE_PUBLIC_URL`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

from shared.runtime.settings import Settings
from tenure.http_answers import get, get_bytes, operator_headers, post

PAGE_SIZE: Final = 500


def notifier_address(settings: Settings) -> str:
    """Where the notifier is asked, without a slash at the end."""
    return (settings.notifier_url or settings.public_url).rstrip("/")


def decisions(account: str | None, settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Every decision about an account, or about all, the newest first. Raises `NoAnswer`."""
    headers = operator_headers(account or "operator", settings)
    query: dict[str, Any] = ({"account_id": account} if account else {}) | {"limit": PAGE_SIZE}
    while True:
        page = get(
            f"{notifier_address(settings)}/api/notifications?{urlencode(query)}", headers, service="the notifier"
        )
        yield from page["notifications"]
        if page["before"] is None:
            return
        query["before"] = page["before"]


def mail(notification: str, settings: Settings) -> str:
    """A mail as it was sent. Raises `NoAnswer`."""
    url = f"{_address_of(notification, settings)}/mail"
    return get_bytes(url, operator_headers("operator", settings), service="the notifier").decode("utf-8", "replace")


def resend(notification: str, operator: str, settings: Settings) -> Mapping[str, Any]:
    """Have a mail's event told once more; the answer names the new notification. Raises `NoAnswer`."""
    url, headers = f"{_address_of(notification, settings)}/resend", operator_headers(operator, settings)
    return post(url, {"operator": operator}, headers, service="the notifier")


def _address_of(notification: str, settings: Settings) -> str:
    return f"{notifier_address(settings)}/api/notifications/{quote(notification, safe='')}"
