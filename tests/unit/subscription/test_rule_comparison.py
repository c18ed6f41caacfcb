"""Policy and catalog as one document: what differs, what needs to be accepted, and what a change means."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from shared.contracts.types import Edition
from subscription_service.domain.policy import ReminderRow
from subscription_service.policy_files.acceptance import effects_on_data, is_accepted, refusal
from subscription_service.policy_files.comparison import changes, document, fingerprint
from subscription_service.storage.rule_changes import Affected
from tests.unit.domain.scenario import RULES, rules

OURS = document(RULES)
DATA = Affected(subscriptions=40, in_grace=3, balances=12, balance=Decimal("1575.00"), coupons=2)


def test_equal_rules_have_no_changes_and_one_fingerprint() -> None:
    again = document(replace(RULES, policy=replace(RULES.policy)))
    assert (changes(OURS, again), fingerprint(again)) == ((), fingerprint(OURS))
    assert fingerprint(document(rules(grace_days=8))) != fingerprint(OURS)


def test_a_price_is_named_by_its_table_and_key() -> None:
    price = replace(RULES.catalog.editions[Edition.ADVANCED], server_price=Decimal("9.6"))
    dearer = replace(
        RULES, catalog=replace(RULES.catalog, editions={**RULES.catalog.editions, Edition.ADVANCED: price})
    )
    assert [str(change) for change in changes(OURS, document(dearer))] == [
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


@pytest.mark.parametrize(
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
    said = refusal(changes(OURS, other), "0123456789abcdef", DATA)
    assert "USD -> CNY. 12 balances (1,575.00 in all) and 2 unused coupons in USD would count as CNY" in said
    assert "TENURE_ACCEPT_POLICY_CHANGE=0123456789abcdef" in said


def test_a_change_is_accepted_by_its_fingerprint_or_by_yes_and_by_nothing_else() -> None:
    given = (None, "", "no", "0123", "yes", "YES", "0123456789abcdef")
    accepted = [answer for answer in given if is_accepted(answer, "0123456789abcdef")]
    assert accepted == ["yes", "YES", "0123456789abcdef"]
