"""Addresses as they stand in settings: what is none stops the start instead of the first connection. Pure.

Each takes the text and gives it back. Raises `ValueError` with what was expected. `settings` only.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from pydantic import SecretStr

_BROKER: Final = re.compile(r"\s*(\[[0-9A-Fa-f:.]+\]|[^\s:,\[\]]+)(:(?P<port>[0-9]{1,5}))?\s*")
_LAST_PORT: Final = 65535


def brokers(text: str) -> str:
    """`host:port`, separated by commas."""
    found = [_BROKER.fullmatch(each) for each in text.split(",")]
    if not all(one and 1 <= int(one["port"] or 1) <= _LAST_PORT for one in found):
        raise ValueError("expected host:port, separated by commas")
    return text


def database(url: SecretStr) -> SecretStr:
    """`postgresql://…`; what is wrong with it is not repeated, for it may hold a password."""
    try:
        parts = urlsplit(url.get_secret_value())
        right = parts.scheme.partition("+")[0] in ("postgresql", "postgres") and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValueError("expected postgresql://user:password@host:port/database")
    return url


def page(url: str) -> str:
    """`http://…` or `https://…`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an address that begins with http:// or https://")
    return url
