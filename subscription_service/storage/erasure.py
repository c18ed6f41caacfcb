"""Forgetting a person in the log: contacts and recipients of lifecycle events, and dead letters, of accounts that were
erased (R48).

The account's own contact and recipients go with its row, waiting events are written anew by `waiting`, orders hold
nothing of a person. The entries of this very transaction are blanked by `person_data`, so this comes before they are
appended.
"""

from collections.abc import Iterable

from shared.contracts.acts import AccountErased
from shared.contracts.lifecycle_acts import PersonErased
from shared.contracts.topics import DEAD_LETTERS
from shared.outbox.dead_letters import empty_dead_letters
from shared.storage.database import Connection
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage import published


async def save(connection: Connection, applied: Iterable[Incoming], emitted: Iterable[EmittedEvent]) -> None:
    """Forget the persons behind the accounts that these events erase, in key order.

    Dead letters are emptied by every erasure. Lifecycle events are blanked where one is told: else nobody is in them
    whom it is about, and a contact that was stated after it stays.
    """
    erased = sorted({each.account_id for each in applied if isinstance(each.event.data, AccountErased)})
    told = {each.account_id for each in emitted if isinstance(each.data, PersonErased)} if erased else set()
    for account_id in erased:
        if account_id in told:
            await published.forget_person(connection, account_id)
        await empty_dead_letters(connection, DEAD_LETTERS, account_id)
