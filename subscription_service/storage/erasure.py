"""Forgetting a person in the log: contacts and recipients of lifecycle events, and dead letters, of accounts that were
erased (R48).

The account's own contact and recipients go with its row, waiting events are written anew by `waiting`, orders hold
nothing of a person. The entries of this very transaction are blanked by `person_data`, so this comes before they are
appended.
"""

from collections.abc import Iterable

from shared.contracts.acts import AccountErased
from shared.contracts.topics import DEAD_LETTERS
from shared.outbox.dead_letters import empty_dead_letters
from shared.storage.database import Connection
from subscription_service.handlers import Incoming
from subscription_service.storage import published


async def save(connection: Connection, applied: Iterable[Incoming]) -> None:
    """Forget the persons behind the accounts that these events erase, in key order."""
    for account_id in sorted({each.account_id for each in applied if isinstance(each.event.data, AccountErased)}):
        await published.forget_person(connection, account_id)
        await empty_dead_letters(connection, DEAD_LETTERS, account_id)
