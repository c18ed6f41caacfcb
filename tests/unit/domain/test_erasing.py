"""Forgetting the person behind an account (R48): at its edges in time, and what goes on without a contact."""

import re
from datetime import datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, ContactReplaced, RenewalDue
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.domain.erasing import without_contact
from subscription_service.domain.model import Active
from tests.unit.domain.acts import OPERATOR, REASON, erase
from tests.unit.domain.imports import import_of
from tests.unit.domain.lives import AFTERWARDS, instants, lived, rebuilt
from tests.unit.domain.scenario import (
    ANNA,
    BERT,
    Scenario,
    contact_changed,
    credit,
    fold,
    purchase,
    refusal,
    renewal,
    started,
    when,
)
from tests.unit.domain.strategies import LIVES, Life

ERASED_AT = "2026-01-20 09:00"
LATER = when("2026-01-25 09:00")
"""When late events arrive."""
AROUND = {
    "a microsecond before": (when(ERASED_AT) - timedelta(microseconds=1), False),
    "at the same instant": (when(ERASED_AT), False),
    "a microsecond after": (when(ERASED_AT) + timedelta(microseconds=1), True),
}
around = pytest.mark.parametrize(("time", "begins_anew"), AROUND.values(), ids=AROUND)


def erased() -> Scenario:
    """Bought 15 January for a month with Anna's contact, erased on 20 January."""
    scenario = started()
    scenario.receive(ERASED_AT, erase())
    return scenario


@pytest.mark.rule("R48")
def test_an_erasure_takes_the_contact_and_says_who_did_it_and_why() -> None:
    scenario = started()
    before = scenario.active
    assert scenario.receive(ERASED_AT, erase()) == [PersonErased(operator=OPERATOR, reason=REASON)]
    assert (scenario.account.contact, scenario.active) == (None, before)
    assert rebuilt(scenario.folded()) == rebuilt(scenario.account)


@pytest.mark.rule("R48")
def test_the_subscription_runs_on_without_a_contact() -> None:
    scenario = erased()
    assert [type(each) for each in scenario.advance_to("2026-02-08 10:00")] == [RenewalDue]
    scenario.receive("2026-02-09 09:00", renewal())
    assert (len(scenario.active.terms), scenario.account.contact) == (2, None)
    assert refusal(scenario.receive("2026-02-09 10:00", renewal("r-2", months=13))).contact is None


@pytest.mark.rule("R48")
def test_a_second_erasure_with_nothing_to_forget_says_nothing_but_its_time_counts() -> None:
    scenario = erased()
    assert scenario.receive("2026-01-22 09:00", erase("a.lovelace")) == []
    late = scenario.receive("2026-01-21 09:00", contact_changed(ANNA), now=LATER)
    assert (late, scenario.account.contact) == ([], None)
    assert scenario.receive("2026-01-22 09:00:01", contact_changed(BERT), now=LATER) == [ContactReplaced(contact=BERT)]


@pytest.mark.rule("R48")
def test_an_erasure_that_arrives_after_a_later_one_changes_nothing() -> None:
    scenario = erased()
    assert scenario.receive("2026-01-18 09:00", erase(), now=LATER) == []
    assert scenario.receive("2026-01-19 09:00", contact_changed(ANNA), now=LATER) == []


@pytest.mark.rule("R48")
@pytest.mark.parametrize("time", ["2026-01-18 09:00", ERASED_AT], ids=["earlier", "at the same instant"])
def test_a_contact_that_came_since_is_left_alone_by_an_erasure_that_is_no_later(time: str) -> None:
    scenario = erased()
    scenario.receive("2026-01-21 09:00", contact_changed(BERT))
    assert scenario.receive(time, erase(), now=LATER) == []
    assert scenario.account.contact == BERT


@pytest.mark.rule("R48")
def test_a_refusal_that_named_somebody_since_is_still_to_be_forgotten_after_an_erasure_that_is_no_later() -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    scenario.receive("2026-01-21 09:00", purchase(terms_accepted=False))
    assert scenario.receive("2026-01-19 09:00", erase(), now=LATER) == []
    assert scenario.receive("2026-01-22 09:00", erase(), now=LATER) == [PersonErased(operator=OPERATOR, reason=REASON)]


@pytest.mark.rule("R48")
def test_the_same_contact_counts_with_its_latest_time_whatever_arrives_first() -> None:
    bert = contact_changed(BERT)
    events: dict[str, InboundData] = {"2026-01-21 09:00": bert, "2026-01-18 09:00": bert, ERASED_AT: erase()}
    for order in permutations(events):
        scenario = started()
        for time in order:
            scenario.receive(time, events[time], now=LATER)
        assert scenario.account.contact == BERT


@pytest.mark.rule("R48")
def test_a_contact_that_came_since_is_forgotten_by_the_next_erasure() -> None:
    scenario = erased()
    scenario.receive("2026-01-21 09:00", contact_changed(BERT))
    assert scenario.receive("2026-01-22 09:00", erase()) == [PersonErased(operator=OPERATOR, reason=REASON)]
    assert scenario.account.contact is None


@around
@pytest.mark.rule("R48")
def test_a_contact_begins_anew_only_with_a_later_time(time: datetime, begins_anew: bool) -> None:
    scenario = erased()
    emitted = scenario.receive(time, contact_changed(BERT), now=LATER)
    assert emitted == ([ContactReplaced(contact=BERT)] if begins_anew else [])
    assert scenario.account.contact == (BERT if begins_anew else None)


@around
@pytest.mark.rule("R48", "R5")
def test_a_purchase_counts_but_brings_a_contact_only_with_a_later_time(time: datetime, begins_anew: bool) -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    (event,) = scenario.receive(time, purchase(contact=BERT), now=LATER)
    assert isinstance(event, Activated)
    assert event.contact == scenario.account.contact == (BERT if begins_anew else None)
    assert isinstance(scenario.account.subscription, Active)


@around
@pytest.mark.rule("R48", "R43")
def test_an_import_counts_by_its_own_time_although_it_is_decided_at_the_clocks(
    time: datetime, begins_anew: bool
) -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    (event,) = scenario.receive(time, import_of(), now=LATER)
    assert isinstance(event, Imported)
    assert (event.contact is None, scenario.account.contact is None) == (not begins_anew, not begins_anew)


@around
@pytest.mark.rule("R48", "R41")
def test_the_refusal_of_a_purchase_names_its_contact_only_with_a_later_time(time: datetime, begins_anew: bool) -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    event = refusal(scenario.receive(time, purchase(contact=BERT, terms_accepted=False), now=LATER))
    assert (event.code, event.contact) == (RejectionCode.TERMS_NOT_ACCEPTED, BERT if begins_anew else None)


@pytest.mark.rule("R48")
def test_a_late_purchase_leaves_a_later_contact_alone() -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    scenario.receive("2026-01-21 09:00", contact_changed(BERT))
    (event,) = scenario.receive("2026-01-19 09:00", purchase(contact=ANNA), now=LATER)
    assert isinstance(event, Activated)
    assert event.contact == scenario.account.contact == BERT


@pytest.mark.rule("R48")
def test_an_erasure_that_arrives_late_forgets_all_but_a_contact_with_a_later_time() -> None:
    scenario = started()
    scenario.receive("2026-01-21 09:00", contact_changed(BERT))
    emitted = scenario.receive(ERASED_AT, erase(), now=LATER)
    assert emitted == [PersonErased(operator=OPERATOR, reason=REASON), ContactReplaced(contact=BERT)]
    assert scenario.account.contact == BERT
    assert scenario.receive("2026-01-21 09:00", erase(), now=LATER) == [PersonErased(operator=OPERATOR, reason=REASON)]


@pytest.mark.rule("R48", "R38")
def test_the_same_contact_stated_again_later_outlives_a_late_erasure() -> None:
    scenario = started()
    assert scenario.receive("2026-01-21 09:00", contact_changed(ANNA)) == []
    scenario.receive(ERASED_AT, erase(), now=LATER)
    assert scenario.account.contact == ANNA


@pytest.mark.rule("R48")
def test_an_erasure_of_an_account_of_which_nothing_is_known_is_on_record() -> None:
    scenario = Scenario()
    assert scenario.receive(ERASED_AT, erase()) == [PersonErased(operator=OPERATOR, reason=REASON)]
    assert scenario.receive("2026-01-20 10:00", erase()) == []


@pytest.mark.rule("R48")
def test_a_refusal_that_has_named_somebody_since_is_something_to_forget() -> None:
    scenario = Scenario()
    scenario.receive(ERASED_AT, erase())
    scenario.receive("2026-01-21 09:00", purchase(terms_accepted=False))
    assert len(scenario.receive("2026-01-22 09:00", erase())) == 1
    scenario.receive("2026-01-23 09:00", credit("1.00"), renewal("r-9"))
    assert scenario.receive("2026-01-24 09:00", erase()) == []


@pytest.mark.rule("R48", "G1")
@given(LIVES)
def test_the_log_without_contacts_rebuilds_the_account_as_it_stands_after_an_erasure(life: Life) -> None:
    scenario = lived(life)
    at = instants(life)[-1] + AFTERWARDS  # what said nothing is no later either
    scenario.receive(at, erase())
    told = [index for index, (_, event) in enumerate(scenario.log) if isinstance(event, PersonErased)]
    last = told[-1]
    redacted = [(when_, without_contact(event)) for when_, event in scenario.log[:last]] + scenario.log[last:]
    assert rebuilt(fold(redacted, scenario.rules.policy)) == rebuilt(scenario.account)
    assert scenario.account.contact is None
    assert scenario.account.recipients.entries == ()


@pytest.mark.rule("R48")
def test_an_event_without_its_contact_is_otherwise_as_it_was() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:00", purchase("p-2"), contact_changed(BERT), renewal())
    for _, told in scenario.log:
        assert repr(without_contact(told)) == re.sub(r"contact=Contact\(.*?\)", "contact=None", repr(told))
    assert [without_contact(told) == told for _, told in scenario.log] == [False, False, False, True]
