"""The audit's comparison of an account that was folded anew with the one that is stored."""

from dataclasses import replace

from subscription_service.audit.rebuild import Rebuilt, differences
from subscription_service.domain.model import Account, Active
from tests.unit.domain.scenario import Scenario, renewal, started, when


def renewed_twice() -> Scenario:
    """p-1 and r-1 have ended, r-2 is in force."""
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-02-10 09:00", renewal("r-1"))
    scenario.receive("2026-03-10 09:00", renewal("r-2"))
    scenario.advance_to("2026-03-20 09:00")
    return scenario


def with_terms(account: Account, active: Active, *order_ids: str) -> Account:
    terms = tuple(replace(active.terms[0], order_id=each, ends_at=when("2026-01-20 00:00")) for each in order_ids)
    return account._replace(subscription=replace(active, terms=(*terms, *active.terms)))


def test_terms_that_an_older_version_kept_are_no_difference() -> None:
    scenario = renewed_twice()
    stored = with_terms(scenario.account, scenario.active, "long-gone")
    assert "terms" not in [each.what for each in differences(stored, Rebuilt(scenario.account))]


def test_a_term_that_was_changed_is_a_difference() -> None:
    scenario = renewed_twice()
    *before, last = scenario.active.terms
    spoilt = replace(scenario.active, terms=(*before, replace(last, months=7)))
    stored = scenario.account._replace(subscription=spoilt)
    assert "terms" in [each.what for each in differences(stored, Rebuilt(scenario.account))]
