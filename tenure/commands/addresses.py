"""The addresses of a local stack, as a person needs them: each of them answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from tenure.local.stack import SERVICES
from tenure.terminal import say
from tenure.tokens import token

_ADDRESSES: Final = {"kafka": "Kafka", "database_url": "PostgreSQL", "smtp": "SMTP", "mail_url": "mails"}


def say_addresses(document: Mapping[str, Any]) -> None:
    """Print those of a ready file, one per line, without passwords."""
    for key, name in _ADDRESSES.items():
        if document[key]:
            say(f"  {name:<13} {_without_password(document[key])}")
    for service in SERVICES:
        say(f"  {service:<13} {document[f'{service}_url']}/asyncapi")
    if url := document.get("ops_url"):
        say(f"  {'operations':<13} {_opening(f'{url}/ops', document['auth_secret'])}")


def _opening(url: str, secret: str | None) -> str:
    """A link that opens the page for an hour; the bare address where somebody else issues the tokens."""
    return f"{url}?token={token('ops', secret, operator=True)}" if secret else url


def _without_password(address: str) -> str:
    """The address as it may stand on a screen; the ready file has the whole of it."""
    return re.sub(r"(://[^/@]*?):[^/]*@", r"\1@", address)
