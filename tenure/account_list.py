"""The list of accounts, as the subscription service tells it to operators over HTTP."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from shared.runtime.settings import Settings
from tenure.connection_options import NotFound
from tenure.http_answers import get, operator_headers

_SERVICE: Final = "the subscription service"
_PER_PAGE: Final = 1000


def address_of(service: str | None, settings: Settings) -> str:
    """The subscription service's URL: as given, else as the settings have it. Raises `NotFound` where neither does."""
    url = service or settings.subscription_url
    if url is None:
        raise NotFound("neither --service, TENURE_SUBSCRIPTION_URL nor a ready file tells the service: is Tenure up?")
    return url.rstrip("/")


def accounts(filters: Mapping[str, str], settings: Settings, *, service: str) -> Iterator[Mapping[str, Any]]:
    """All accounts that fit, in the order of the list, read page by page. Raises `NoAnswer`.

    `filters`: parameters of `/api/accounts`. `service`: URL of the subscription service.
    """
    query = {**filters, "limit": str(_PER_PAGE)}
    while True:
        url = f"{service}/api/accounts?{urlencode(query)}"
        page = get(url, operator_headers("operator", settings), service=_SERVICE)
        yield from page["accounts"]
        if page["next"] is None:
            return
        query["after"] = page["next"]
