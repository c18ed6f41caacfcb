"""Policies that went before are made again from what was stored of them."""

from dataclasses import dataclass, fields, replace

import orjson
import pytest

from shared.contracts.types import Edition
from subscription_service.domain.policy import EarlierPolicy, Policy, ReminderRow
from subscription_service.policy_files import earlier
from subscription_service.policy_files.comparison import document, policy_document
from tests.unit.domain.scenario import RULES, rules, when

ROWS = (ReminderRow(min_months=12, editions=(Edition.ULTIMATE,), days=(60, 30), hour=9), ReminderRow(days=(5,), hour=0))
FIRST = rules(reminders=ROWS, charge_notice_days=(7, 2), grace_days=9)
SECOND = rules(reminder_days=(14, 7))
pytestmark = pytest.mark.rule("R51")


@dataclass(frozen=True, kw_only=True)
class _Later(Policy):
    """As a later version may have it."""

    added: int = 1


def test_a_policy_is_read_back_from_the_rules_that_are_stored_as_it_was() -> None:
    stored = orjson.loads(orjson.dumps(document(FIRST)))
    assert earlier.policy_of(stored) == FIRST.policy
    assert earlier.fingerprint(earlier.policy_of(stored)) == earlier.fingerprint(FIRST.policy)


def test_a_value_that_a_later_version_adds_makes_no_other_policy_while_it_is_as_by_default() -> None:
    values = {each.name: getattr(FIRST.policy, each.name) for each in fields(FIRST.policy)}
    assert earlier.fingerprint(_Later(**values)) == earlier.fingerprint(FIRST.policy)
    assert earlier.fingerprint(_Later(**values, added=2)) != earlier.fingerprint(FIRST.policy)
    assert earlier.fingerprint(SECOND.policy) != earlier.fingerprint(RULES.policy)


def test_a_value_that_an_older_version_did_not_know_is_as_in_the_default_file() -> None:
    stored = {name: value for name, value in document(FIRST).items() if name != "policy.charge_notice_days"}
    assert earlier.policy_of(stored) == replace(FIRST.policy, charge_notice_days=())


def test_the_policy_before_is_the_one_that_was_applied_else_the_latest_that_differs() -> None:
    documents = [document(each) for each in (RULES, SECOND, RULES, FIRST)]
    assert earlier.applied_before(RULES.policy, earlier.fingerprint(FIRST.policy), documents) == FIRST.policy
    assert earlier.applied_before(RULES.policy, "by an older version", documents) == SECOND.policy
    assert earlier.applied_before(RULES.policy, "by an older version", documents[:1]) == RULES.policy
    assert earlier.applied_before(RULES.policy, "?", [{"policy.grace_days": 99}]) == RULES.policy


def test_policies_are_kept_with_the_restarts_that_ended_them_five_at_most() -> None:
    one, two = when("2026-02-01 09:00"), when("2026-02-02 09:00")
    stored = orjson.loads(orjson.dumps(earlier.ended(SECOND.policy, two, earlier.ended(FIRST.policy, one, []))))
    before = replace(SECOND.policy, earlier=EarlierPolicy(policy=FIRST.policy, until=one))
    assert earlier.after(RULES.policy, stored).earlier == EarlierPolicy(policy=before, until=two)
    for _ in range(9):
        stored = earlier.ended(FIRST.policy, two, stored)
    assert len(stored) == 5


def test_what_is_stored_of_a_policy_holds_nothing_of_those_before_it() -> None:
    policy = replace(SECOND.policy, earlier=EarlierPolicy(policy=FIRST.policy, until=when("2026-02-01 09:00")))
    assert policy_document(policy) == policy_document(SECOND.policy)
