"""The groups of the list of accounts: every account is in one, and filters choose exactly those that fit."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.state import SubscriptionState
from subscription_service.domain.listing import (
    GROUPS,
    NO_E,
    AccountFilters,
    ListGroup,
    list_group,
    listed_day,
)
from subscription_service.domain.model import Account
from subscription_service.domain.overview import overview
from tests.kit.examples import examples
from tests.unit.domain.lives import BIRTH, states
from tests.unit.domain.scenario import RULES, Scenario, automatic, day, decline, renewal_with, specification, started
from tests.unit.domain.strategies import LIVES, Life

MAYBE = st.one_of(st.none(), st.booleans())
FILTERS = st.builds(
    AccountFilters,
    st.one_of(st.none(), st.sampled_from(SubscriptionState)),
    st.one_of(st.none(), st.sampled_from(["advanced", "ultimate", "basic"])),
    MAYBE,
    MAYBE,
    MAYBE,
    st.sampled_from([None, date(2026, 1, 1)]),
    st.sampled_from([None, date(2026, 2, 1)]),
)


@given(life=LIVES)
@settings(max_examples=examples(60), deadline=None)
def test_an_account_is_always_in_one_of_the_groups_and_listed_as_its_overview_says(life: Life) -> None:
    for account in states(life):
        group = list_group(account)
        assert GROUPS[group.word] == group
        shown = overview(account, revision=1, as_of=account.decided_at or BIRTH, rules=RULES)
        assert (group.state, group.edition, group.declined) == (shown.state, shown.edition, shown.declined)
        assert (group.auto_renewal, group.failing) == (shown.auto_renewal.enabled, shown.auto_renewal.failing)
        assert listed_day(account) == (shown.expires_on or NO_E)


@given(filters=FILTERS)
def test_filters_choose_the_groups_that_fit_and_no_other(filters: AccountFilters) -> None:
    chosen = set(filters.words())
    for word, group in GROUPS.items():
        fits = all(
            wanted is None or getattr(group, name) == wanted
            for name, wanted in zip(ListGroup._fields, filters, strict=False)
        )
        with_e = group.state in (SubscriptionState.ACTIVE, SubscriptionState.GRACE)
        assert (word in chosen) == (fits and (with_e or filters.expires_from is filters.expires_to is None))


def test_words_that_are_stored_stay_as_they_are() -> None:
    assert {"none/-", "released/basic", "active/ultimate", "grace/anti-virus/auto_renewal"} < GROUPS.keys()
    assert "active/value-added/auto_renewal/failing" in GROUPS
    assert "active/advanced/declined" in GROUPS


@pytest.mark.rule("R15", "R18")
def test_the_edition_is_the_one_in_force_until_the_next_term_starts() -> None:
    scenario = started()  # E is 15 February
    scenario.receive("2026-01-20 09:00", renewal_with(specification("enterprise", servers=5)))
    assert (list_group(scenario.account).edition, listed_day(scenario.account)) == ("ultimate", day("2026-03-15"))
    scenario.advance_to("2026-02-15 23:59:59")
    assert list_group(scenario.account).edition == "ultimate"
    scenario.advance_to("2026-02-16 00:00")
    assert list_group(scenario.account).edition == "enterprise"


@pytest.mark.rule("R25", "R28", "R31", "R35")
def test_the_group_follows_a_life_from_nothing_to_release() -> None:
    assert list_group(Account(account_id="acme")).word == "none/-"
    scenario = automatic()  # E is 15 February, the first attempt on 6 February
    words = [list_group(scenario.account).word]
    for at in ("2026-02-06 07:59:59", "2026-02-06 08:00", "2026-02-16 00:00", "2026-02-23 00:00"):
        scenario.advance_to(at)
        words.append(list_group(scenario.account).word)
    assert words == [
        "active/ultimate/auto_renewal",
        "active/ultimate/auto_renewal",
        "active/ultimate/auto_renewal/failing",
        "grace/ultimate/auto_renewal",
        "released/basic",
    ]
    declined: Scenario = started()
    declined.receive("2026-01-20 09:00", decline())
    assert list_group(declined.account).word == "active/ultimate/declined"
