"""The list of accounts: one page by any filters, in the order of E and id. Read only; nothing is locked.

The index has the accounts of each group in the order of the list, so a page takes the first rows of every group that
fits, and the first of those. What that costs depends on the page's size, not on how many accounts there are or fit.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from shared.storage.database import Connection
from subscription_service.domain.listing import GROUPS, NO_E, AccountFilters, ListGroup


class Place(NamedTuple):
    """A place in the list: after the account with this E (`NO_E`: none) and id."""

    day: date
    account_id: str


START: Final = Place(date.min, "")


class ListedAccount(NamedTuple):
    """One row of the list. `ends_at`: UTC, as on the wire; None where the account has no E."""

    place: Place
    group: ListGroup
    ends_at: str | None
    balance: Any
    contact_name: str | None


_PAGE = text(
    "WITH page AS (SELECT found.account_id, found.listed_day FROM unnest(CAST(:groups AS text[])) AS g (word)"
    " CROSS JOIN LATERAL (SELECT account_id, listed_day FROM account WHERE list_group = g.word"
    " AND (listed_day, account_id) > (CAST(:day AS date), CAST(:account_id AS text)) AND listed_day <= :last"
    " ORDER BY listed_day, account_id LIMIT :limit) AS found"
    " ORDER BY found.listed_day, found.account_id LIMIT :limit)"
    " SELECT account_id, account.listed_day, list_group, subscription #>> '{terms,-1,ends_at}', balance,"
    " contact ->> 'name' FROM page JOIN account USING (account_id) ORDER BY account.listed_day, account_id"
)


async def page(connection: Connection, filters: AccountFilters, *, after: Place, limit: int) -> list[ListedAccount]:
    """The first accounts after a place that the filters fit."""
    begin = max(after, Place(filters.expires_from, "")) if filters.expires_from else after
    arguments = {"groups": filters.words(), "last": filters.expires_to or NO_E, "limit": limit, **begin._asdict()}
    return list(_listed(await connection.execute(_PAGE, arguments)))


def _listed(found: Any) -> Iterator[ListedAccount]:
    for account_id, day, group, ends_at, balance, contact_name in found:
        yield ListedAccount(Place(day, account_id), GROUPS[group], ends_at, balance, contact_name)
