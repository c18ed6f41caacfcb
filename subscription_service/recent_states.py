"""Accounts as this copy has just decided and committed them, so that their state documents need no reading.

Bounded, and each is given once: an account that is not here, or with an older revision, is read from its row. Pure.
"""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple

from subscription_service.domain.model import Account
from subscription_service.domain.timers import Timer

_MAX_ACCOUNTS: Final = 3_000
"""More than are decided while the relay publishes once."""
_MAX_SERVERS: Final = 100
"""Loaded with one account; one with more takes too much memory to be kept."""


class AccountState(NamedTuple):
    """What a state document is made of. `timer`: the next at which something happens; `as_of`: when
    the revision was made (UTC).
    """

    account: Account
    timer: Timer | None
    revision: int
    as_of: datetime


class RecentStates:
    """The latest revision of each account that this copy has committed lately."""

    def __init__(self, *, at_most: int = _MAX_ACCOUNTS) -> None:
        self._at_most = at_most
        self._states: OrderedDict[str, AccountState] = OrderedDict()

    def keep(self, states: Iterable[AccountState]) -> None:
        """Keep these, which are committed; the oldest go."""
        for state in states:
            account_id = state.account.account_id
            known = self._states.get(account_id)
            if known is None or known.revision < state.revision:
                self._states.pop(account_id, None)
                if len(state.account.servers) <= _MAX_SERVERS:
                    self._states[account_id] = state
        while len(self._states) > self._at_most:
            self._states.popitem(last=False)

    def clear(self) -> None:
        """Keep none; they are read from their rows."""
        self._states.clear()

    def take(self, account_id: str, *, revision: int) -> AccountState | None:
        """The account's state where it is kept with this revision or a later one; it is kept no longer."""
        known = self._states.pop(account_id, None)
        return known if known is not None and known.revision >= revision else None
