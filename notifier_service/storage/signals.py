"""What copies of the notifier tell each other through PostgreSQL, delivered when the telling transaction commits.

`MAIL`: emails were queued. `INBOX`: an inbox changed. Both only wake; what is there is then read from the tables.
"""

from enum import StrEnum

from sqlalchemy import text

from shared.storage.database import Connection


class Signal(StrEnum):
    MAIL = "mail"
    INBOX = "inbox"


_TELL = text("SELECT pg_notify('tenure_' || :signal || '_' || current_schema(), '')")


async def tell(connection: Connection, signal: Signal) -> None:
    """Wake every copy once this transaction has committed."""
    await connection.execute(_TELL, {"signal": signal.value})


def channel(signal: Signal, schema: str) -> str:
    """The NOTIFY channel to listen on."""
    return f"tenure_{signal}_{schema}"
