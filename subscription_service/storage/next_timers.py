"""The next timers of accounts, read and set anew after another policy (R51). For `retiming`.

Of a million accounts only what a timer is worked out from is read, nothing is locked, and only what differs is written.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from shared.storage.bulk import Row, update
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.statement import Statement
from subscription_service.domain.model import Account
from subscription_service.domain.timers import Timer
from subscription_service.storage.account_documents import subscription_of
from subscription_service.storage.accounts import AccountRow, timer_of


class TimedAccount(NamedTuple):
    """An account, without what no timer depends on, and its next timer as stored; None where that is not known."""

    account: Account
    timer: Timer | None


_TIMED_BY: Final = ("version", "decided_at")
"""Where both are as they were read, so is the subscription."""
_TIMER: Final = ("next_due_at", "next_timer")
_READ = Selection(AccountRow, "account_id", *_TIMED_BY, *_TIMER, "waiting", "subscription")
_HAS_TIMER: Final = "next_due_at IS NOT NULL AND waiting = 0"
"""Without a subscription that is active or in grace nothing is due; and with waiting events an account is timed anew
when these go on.
"""
_COUNT: Final = Statement(f"SELECT count(*) FROM account WHERE {_HAS_TIMER}")
_NEXT: Final = Statement(
    f"SELECT {_READ.sql} FROM account WHERE account_id > :after AND {_HAS_TIMER} ORDER BY account_id LIMIT :limit"
)
_SET = update(
    AccountRow,
    ("account_id", *_TIMED_BY, *_TIMER),
    only_if="account.waiting = 0 AND account.version = n.version AND account.decided_at = n.decided_at",
)


async def count(connection: Connection) -> int:
    """How many accounts have timers."""
    [(number,)] = await _COUNT.fetch(connection, {})
    return int(number)


async def read_next(connection: Connection, *, after: str, limit: int) -> list[TimedAccount]:
    """The next accounts after an id that have timers, in key order."""
    found = await _NEXT.fetch(connection, {"after": after, "limit": limit})
    return [TimedAccount(_account(row), timer_of(row)) for row in _READ.rows(found)]


async def set_anew(connection: Connection, timed: Sequence[TimedAccount]) -> None:
    """Store these timers, but leave alone what was decided since it was read: that is timed by the new policy."""
    await _SET.run(connection, [_row(account, timer) for account, timer in timed])


def _account(row: Any) -> Account:
    return Account(
        account_id=row.account_id,
        version=row.version,
        decided_at=row.decided_at,
        subscription=subscription_of(row.subscription),
    )


def _row(account: Account, timer: Timer | None) -> Row:
    return {
        "account_id": account.account_id,
        "version": account.version,
        "decided_at": account.decided_at,
        "next_due_at": timer.at if timer else None,
        "next_timer": timer.kind if timer else None,
    }
