"""Policy and catalog as one document: what differs, what needs to be accepted, and what a change means."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import EditionPrice, ReminderRow, Rules
from subscription_service.policy_files.acceptance import altered_prices, effects_on_data, is_accepted, refusal
from subscription_service.policy_files.comparison import changes, document, fingerprint
from subscription_service.storage.rule_changes import Affected
from tests.kit.cases import cases
from tests.unit.domain.price_lists import dated
from tests.unit.domain.scenario import PRICES, RULES, rules, when

OURS = document(RULES)
DATA = Affected(subscriptions=40, in_grace=3, balances=12, balance=Decimal("1575.00"), coupons=2)


def test_equal_rules_have_no_changes_and_one_fingerprint() -> None:
    again = document(replace(RULES, policy=replace(RULES.policy)))
    assert (changes(OURS, again), fingerprint(again)) == ((), fingerprint(OURS))
    assert fingerprint(document(rules(grace_days=8))) != fingerprint(OURS)


def test_a_price_is_named_by_its_table_and_key() -> None:
    dearer = replace(PRICES, editions={**PRICES.editions, Edition.ADVANCED: EditionPrice(Decimal("9.6"))})
    altered = replace(RULES, catalog=replace(RULES.catalog, price_lists=(dearer,)))
    assert [str(change) for change in changes(OURS, document(altered))] == [
        "catalog.editions.advanced.server_price: 9.5 -> 9.6"
    ]


@pytest.mark.rule("R51")
def test_rows_of_reminders_are_compared_as_they_were_stored() -> None:
    row = ReminderRow(min_months=12, editions=(Edition.ADVANCED,), days=(30, 7), hour=9)
    ours = document(rules(reminders=(row,)))
    assert changes(orjson.loads(orjson.dumps(ours)), ours) == ()
    assert [str(change) for change in changes(OURS, ours)] == [
        "policy.reminders: none -> (days 30, 7; hour 9; min_months 12; editions advanced)"
    ]


@pytest.mark.rule("R50")
def test_a_list_that_comes_or_goes_is_one_change_and_one_that_is_altered_names_its_prices() -> None:
    one, two = document(dated(("2027-01-01", 2))), document(dated(("2027-01-01", 3)))
    assert [str(change) for change in changes(OURS, one)] == ["catalog.price_lists.2027-01-01.version: none -> 2x"]
    assert [str(change) for change in changes(one, OURS)] == ["catalog.price_lists.2027-01-01.version: 2x -> none"]
    altered = [str(change) for change in changes(one, two)]
    assert "catalog.price_lists.2027-01-01.editions.advanced.server_price: 19.0 -> 28.5" in altered
    assert changes(orjson.loads(orjson.dumps(one)), one) == ()


@pytest.mark.rule("R50")
def test_without_dated_lists_the_document_is_as_older_versions_stored_it() -> None:
    assert OURS["catalog.version"] == "2026-11"
    assert OURS["catalog.editions.ultimate.core_price"] == "1"
    assert OURS["catalog.features.honeypot.price"] == "25"
    assert not [name for name in OURS if "price_lists" in name]


NO_LIST = dated()
JANUARY, DEARER_JANUARY = dated(("2027-01-01", 2)), dated(("2027-01-01", 3))
FEBRUARY = dated(("2027-02-01", 2))
BOTH = dated(("2027-01-01", 2), ("2027-02-01", 3))


@pytest.mark.rule("R50")
@cases(
    ("before", "after"),
    [
        (NO_LIST, JANUARY),
        (JANUARY, NO_LIST),
        (JANUARY, DEARER_JANUARY),
        (JANUARY, FEBRUARY),
        (FEBRUARY, JANUARY),
        (FEBRUARY, BOTH),
    ],
)
def test_a_list_may_change_until_the_day_before_it_begins(before: Rules, after: Rules) -> None:
    ours, theirs = document(before), document(after)
    assert altered_prices(ours, theirs, when("2026-12-31 23:59:59")) is None
    refused = altered_prices(ours, theirs, when("2027-01-01 00:00:00"))
    assert refused is not None
    assert "A price list that was in force may not be altered (catalog.price_lists.2027-01-01" in refused
    assert refused.endswith("whose valid_from is later than today, 2027-01-01.")


@pytest.mark.rule("R50")
def test_a_list_behind_one_that_is_in_force_may_still_change() -> None:
    ours, theirs = document(BOTH), document(dated(("2027-01-01", 2), ("2027-02-01", 4)))
    assert altered_prices(ours, theirs, when("2027-01-31 23:59:59")) is None
    assert altered_prices(ours, theirs, when("2027-02-01 00:00:00"))


@pytest.mark.rule("R50")
def test_the_first_list_may_never_change_nor_be_called_otherwise() -> None:
    for changed in ({"version": "2026-12"}, {"features": {**PRICES.features, Feature.HONEYPOT: Decimal(26)}}):
        first = replace(PRICES, **changed)
        theirs = replace(RULES, catalog=replace(RULES.catalog, price_lists=(first,)))
        assert altered_prices(OURS, document(theirs), when("2020-01-01 00:00"))


@pytest.mark.rule("R50")
def test_what_is_no_price_may_change_at_any_time() -> None:
    wider = replace(RULES.catalog.features[Feature.HONEYPOT], maximum=600)
    theirs = replace(
        rules(reminder_days=(3,)),
        catalog=replace(RULES.catalog, currency="CNY", features={**RULES.catalog.features, Feature.HONEYPOT: wider}),
    )
    assert altered_prices(OURS, document(theirs), when("2026-12-31 12:00")) is None


@pytest.mark.rule("R50")
def test_whether_a_list_was_in_force_is_counted_in_the_billing_zone_of_before() -> None:
    elsewhere = replace(JANUARY, policy=replace(JANUARY.policy, billing_zone=ZoneInfo("America/New_York")))
    there = document(elsewhere)
    assert altered_prices(there, document(DEARER_JANUARY), when("2027-01-01 12:59:59")) is None
    assert altered_prices(there, document(DEARER_JANUARY), when("2027-01-01 13:00:00"))


@cases(
    ("policy", "needed"),
    [
        ({"grace_days": 6}, True),
        ({"grace_days": 8}, False),
        ({"reminder_days": (14, 7)}, False),
        ({"version": "2027-01"}, False),
        ({"billing_zone": ZoneInfo("UTC")}, True),
    ],
)
def test_only_what_changes_the_meaning_of_data_needs_to_be_accepted(policy: dict[str, Any], needed: bool) -> None:
    [change] = changes(OURS, document(rules(**policy)))
    assert change.needs_acceptance is needed
    assert bool(list(effects_on_data([change], DATA))) is needed


def test_a_value_that_an_older_version_did_not_know_is_no_change() -> None:
    older = {name: value for name, value in OURS.items() if name != "policy.park_limit_bytes"}
    assert changes(older, OURS) == ()


def test_the_refusal_says_what_it_would_mean_and_how_to_accept_it() -> None:
    other = document(replace(RULES, catalog=replace(RULES.catalog, currency="CNY")))
    sentences = refusal(changes(OURS, other), "0123456789abcdef", DATA)
    assert "USD -> CNY. 12 balances (1,575.00 in all) and 2 unused coupons in USD would count as CNY" in sentences
    assert "TENURE_ACCEPT_POLICY_CHANGE=0123456789abcdef" in sentences


def test_a_change_is_accepted_by_its_fingerprint_or_by_yes_and_by_nothing_else() -> None:
    given = (None, "", "no", "0123", "yes", "YES", "0123456789abcdef")
    accepted = [answer for answer in given if is_accepted(answer, "0123456789abcdef")]
    assert accepted == ["yes", "YES", "0123456789abcdef"]
