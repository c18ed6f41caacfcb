"""What this copy has just committed is kept until its document is made: bounded, each once, never an older one."""

from subscription_service.domain.model import Account
from subscription_service.recent_states import AccountState, RecentStates
from tests.kit.events import START


def state(account_id: str, revision: int) -> AccountState:
    return AccountState(Account(account_id=account_id), None, revision, START)


def test_a_state_is_given_once_and_only_with_the_wanted_revision_or_a_later_one() -> None:
    recent = RecentStates()
    recent.keep([state("a", 3), state("b", 3)])
    assert recent.take("a", revision=2) == state("a", 3)
    assert recent.take("a", revision=2) is None
    assert recent.take("b", revision=4) is None


def test_an_older_revision_never_takes_the_place_of_a_newer_one() -> None:
    recent = RecentStates()
    recent.keep([state("a", 3), state("a", 2)])
    assert recent.take("a", revision=1) == state("a", 3)


def test_no_more_than_so_many_are_kept_and_the_oldest_go() -> None:
    recent = RecentStates(at_most=2)
    recent.keep([state("a", 1), state("b", 1)])
    recent.keep([state("a", 2), state("c", 1)])
    assert [recent.take(each, revision=1) is not None for each in "abc"] == [True, False, True]
