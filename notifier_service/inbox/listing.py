"""A page of an inbox, as an `InboxQuery` asks for it: read by the JSON path and by the recipient's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from notifier_service.inbox.actions import number_of
from notifier_service.inbox.shapes import InboxQuery
from notifier_service.storage import messages
from notifier_service.storage.messages import InboxMessage, MessageFilter
from shared.contracts.scalars import read_instant
from shared.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Listing:
    """`messages`: the newest first; `unread`: of the whole inbox."""

    messages: Sequence[InboxMessage]
    unread: int


async def listing(connection: Connection, account_id: str, query: InboxQuery) -> Listing:
    """Raises `Problem` 404 where the page is to begin at a message that the account does not have."""
    wanted = MessageFilter(
        only_unread=bool(query.unread),
        archived=bool(query.archived),
        kind=query.kind,
        search=query.search,
        before=await _before(connection, account_id, query.before),
        limit=query.limit,
    )
    found = await messages.page(connection, account_id, wanted)
    return Listing(found, (await messages.summary(connection, account_id)).unread)


async def _before(connection: Connection, account_id: str, before: str | None) -> int | None:
    """The `number` below which a page begins, of a message id or an instant; None for the first page."""
    if before is None:
        return None
    try:
        return await messages.first_number_from(connection, account_id, read_instant(before))
    except ValueError:
        return await number_of(connection, account_id, before)
