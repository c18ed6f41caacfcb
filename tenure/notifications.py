"""What the notifier decided about an account, as it tells operators over HTTP.

The notifier is found at `TENURE_NOTIFIER_URL`, or where that is not set, at `TENURE_PUBLIC_URL`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from shared.runtime.settings import Settings
from tenure.http_answers import get, operator_headers

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
