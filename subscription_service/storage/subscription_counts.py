"""How many subscriptions are in each state: kept with each change, so that no scrape of the metrics counts accounts."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import text

from shared.storage.bulk import upsert
from shared.storage.database import Connection
from shared.storage.tables import BigInteger, TextKey
from subscription_service.domain.overview import state_of
from subscription_service.storage.metadata import SubscriptionTable
from subscription_service.unit_of_work import LockedAccount


class SubscriptionCountRow(SubscriptionTable, table=True):
    """`state`: active, grace or released."""

    __tablename__ = "subscription_count"
    state: TextKey
    count: BigInteger


_ADD = upsert(SubscriptionCountRow, add=["count"])
_READ = text("SELECT state, count AS count_ FROM subscription_count")


async def add(connection: Connection, changed: Iterable[LockedAccount]) -> None:
    """Count the accounts whose subscription has another state than before."""
    counts: Counter[str] = Counter()
    for locked in changed:
        before, after = locked.before.subscription, locked.account.subscription
        if type(before) is not type(after):
            if before is not None:
                counts[state_of(before)] -= 1
            if after is not None:
                counts[state_of(after)] += 1
    rows = [{"state": state, "count": count} for state, count in sorted(counts.items()) if count]
    await _ADD.run(connection, rows)


async def read(connection: Connection) -> dict[str, int]:
    """State -> number of subscriptions."""
    return {row.state: row.count_ for row in await connection.execute(_READ)}
