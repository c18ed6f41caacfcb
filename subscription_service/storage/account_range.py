"""A range of accounts in key order: what the audit reads in one transaction."""

from typing import Final, NamedTuple


class AccountRange(NamedTuple):
    """The accounts whose ids lie after `after`, up to and including `last` (None: to the end), as PostgreSQL sorts."""

    after: str
    last: str | None


IN_RANGE: Final = "account_id > :after AND (CAST(:last AS text) IS NULL OR account_id <= :last)"
"""The condition; its parameters are `AccountRange._asdict()`."""
