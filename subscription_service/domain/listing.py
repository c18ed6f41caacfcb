"""By what accounts are found in the list of accounts: a filter asks for groups, and each account is in one of them.

A group is all accounts that no filter tells apart but their E. `storage` keeps an account's group as a word beside its
row, so that one index answers every combination of filters group by group, however few accounts fit it.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from itertools import product
from typing import Final, NamedTuple

from shared.contracts.state import SubscriptionState
from shared.contracts.types import Edition
from subscription_service.domain.model import Account, Active, Grace, Released, specification_in_force
from subscription_service.domain.overview import BASIC, state_of

NO_E: Final = date.max
"""Stands for the E of an account without one, which is listed after all others."""


class ListGroup(NamedTuple):
    """What the filters ask, but for E. `edition`: in force; `basic` after release; None without a subscription."""

    state: SubscriptionState
    edition: str | None = None
    auto_renewal: bool = False
    failing: bool = False
    declined: bool = False

    @property
    def word(self) -> str:
        """As it is stored, such as `active/ultimate/auto_renewal`. Stored words must stay readable."""
        return _word(self)


class AccountFilters(NamedTuple):
    """Which accounts are listed; None: whatever it is. Both days are included, and ask for accounts that have an E."""

    state: SubscriptionState | None = None
    edition: str | None = None
    auto_renewal: bool | None = None
    failing: bool | None = None
    declined: bool | None = None
    expires_from: date | None = None
    expires_to: date | None = None

    def words(self) -> list[str]:
        """The groups that fit, by their words."""
        wanted = {name: value for name in ListGroup._fields if (value := getattr(self, name)) is not None}
        with_e = self.expires_from is not None or self.expires_to is not None
        return [
            word
            for word, group in GROUPS.items()
            if all(getattr(group, name) == value for name, value in wanted.items())
            and (group.state in _WITH_E or not with_e)
        ]


def list_group(account: Account) -> ListGroup:
    """As of the account's last decided instant, which the start of a term moves too."""
    subscription = account.subscription
    if not isinstance(subscription, Active | Grace):
        return ListGroup(state_of(subscription), BASIC if isinstance(subscription, Released) else None)
    return ListGroup(
        state=state_of(subscription),
        edition=specification_in_force(subscription, account.decided_at or subscription.terms[0].starts_at).edition,
        auto_renewal=subscription.auto_renewal is not None,
        failing=isinstance(subscription, Active) and subscription.failure is not None,
        declined=subscription.declined,
    )


def listed_day(account: Account) -> date:
    """Its E, by which the list is ordered, or `NO_E`."""
    live = account.subscription
    return live.terms[-1].expires_on if isinstance(live, Active | Grace) else NO_E


@cache
def _word(group: ListGroup) -> str:
    """Cached: there are few groups, and each account that is stored has one."""
    flags = [name for name in ("auto_renewal", "failing", "declined") if getattr(group, name)]
    return "/".join([group.state, group.edition or "-", *flags])


def _groups() -> Iterator[ListGroup]:
    yield ListGroup(SubscriptionState.NONE)
    yield ListGroup(SubscriptionState.RELEASED, BASIC)
    for state, edition, flags in product(sorted(_WITH_E), Edition, product((False, True), repeat=3)):
        yield ListGroup(state, edition.value, *flags)


_WITH_E: Final = frozenset({SubscriptionState.ACTIVE, SubscriptionState.GRACE})
GROUPS: Final[Mapping[str, ListGroup]] = {group.word: group for group in _groups()}
"""Every group that an account can be in, by its word."""
