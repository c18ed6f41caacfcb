"""The audit's comparison of an account that was folded anew with the one that is stored."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from subscription_service.audit.rebuild import Rebuilt, differences
from subscription_service.domain.model import Account, Active
from subscription_service.domain.orders import order_entries
from tests.unit.domain.price_lists import dated
from tests.unit.domain.scenario import RULES, Scenario, renewal, started, when


def renewed_twice() -> Scenario:
    """p-1 and r-1 have ended, r-2 is in force."""
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-02-10 09:00", renewal("r-1"))
    scenario.receive("2026-03-10 09:00", renewal("r-2"))
    scenario.advance_to("2026-03-20 09:00")
    return scenario


def with_terms(account: Account, active: Active, *order_ids: str) -> Account:
    terms = tuple(replace(active.terms[0], order_id=each, ends_at=when("2026-01-20 00:00")) for each in order_ids)
    return structs.replace(account, subscription=structs.replace(active, terms=(*terms, *active.terms)))


def test_terms_that_an_older_version_kept_are_no_difference() -> None:
    scenario = renewed_twice()
    stored = with_terms(scenario.account, scenario.active, "long-gone")
    assert "terms" not in [each.what for each in differences(stored, Rebuilt(scenario.account), RULES.catalog)]


def test_a_term_that_was_changed_is_a_difference() -> None:
    scenario = renewed_twice()
    *before, last = scenario.active.terms
    spoilt = structs.replace(scenario.active, terms=(*before, replace(last, months=7)))
    stored = structs.replace(scenario.account, subscription=spoilt)
    assert "terms" in [each.what for each in differences(stored, Rebuilt(scenario.account), RULES.catalog)]


def audited(listed_version: str, fee: str) -> list[str]:
    """What differs where the order list says that a purchase after the change of prices had this version and fee."""
    rules = dated(("2026-01-10", 2))
    scenario = started("2026-01-15 09:00", rules=rules)
    at, event = scenario.log[0]
    cause = "tenure.purchase.ordered.v1"
    [found] = order_entries(event, account=scenario.account, cause_type=cause, at=at, rules=rules)
    listed = replace(found, catalog_version=listed_version, fee=Decimal(fee))
    rebuilt = Rebuilt(scenario.account, orders={"p-1": found}, listed={"p-1": listed})
    return [each.what for each in differences(scenario.account, rebuilt, rules.catalog)]


@pytest.mark.rule("R50")
def test_an_order_is_audited_by_the_list_that_it_names_where_the_catalog_has_that() -> None:
    assert audited("2x", "550.00") == []
    assert audited("2x", "275.00") == ["order p-1"]
    assert audited("2026-11", "275.00") == ["order p-1"]  # that list was not in force on its day


@pytest.mark.rule("R50")
def test_the_fee_of_an_order_from_before_there_were_lists_is_not_compared() -> None:
    assert audited("2025-04", "1.00") == []
