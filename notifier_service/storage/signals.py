"""NOTIFY and LISTEN between the copies of the notifier: delivered when the sending transaction commits.

A signal carries no data: whoever is woken by it reads the tables.
"""

from enum import StrEnum

from shared.storage.database import Connection
from shared.storage.statement import Statement


class Signal(StrEnum):
    """`MAIL`: emails were queued. `INBOX`: messages were added or read."""

    MAIL = "mail"
    INBOX = "inbox"


_NOTIFY = Statement("SELECT pg_notify('tenure_' || CAST(:signal AS text) || '_' || current_schema(), '')")


async def notify(connection: Connection, signal: Signal) -> None:
    """Wake every copy once this transaction has committed."""
    await _NOTIFY.fetch(connection, {"signal": signal.value})


def channel(signal: Signal, schema: str) -> str:
    """The NOTIFY channel to listen on."""
    return f"tenure_{signal}_{schema}"
