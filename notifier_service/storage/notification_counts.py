"""How many notifications have ended, per channel and final status: counted in the transaction of the end (G4)."""

from collections.abc import Mapping

from sqlalchemy import text

from notifier_service.decisions.notification import NotificationStatus
from notifier_service.storage.metadata import NotifierTable
from shared.contracts.outcomes import Channel
from shared.storage.bulk import upsert
from shared.storage.database import Connection
from shared.storage.tables import BigInteger, TextKey


class NotificationCountRow(NotifierTable, table=True):
    """`count` notifications of the channel ended with the status. The table's name is from its first version."""

    __tablename__ = "notification_tally"
    channel: TextKey
    status: TextKey
    count: BigInteger


_ADD = upsert(NotificationCountRow, add=["count"])
_LOAD = text("SELECT channel, status, count AS notifications FROM notification_tally")


async def add(connection: Connection, counts: Mapping[tuple[Channel, NotificationStatus], int]) -> None:
    """Raise the counts of (channel, status) by these numbers."""
    rows = [
        {"channel": channel.value, "status": status.value, "count": count}
        for (channel, status), count in sorted(counts.items())
    ]
    await _ADD.run(connection, rows)


async def load(connection: Connection) -> dict[tuple[str, str], int]:
    """(channel, status) -> notifications so far, of the whole service."""
    return {(row.channel, row.status): row.notifications for row in await connection.execute(_LOAD)}
