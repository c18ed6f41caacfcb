"""Subscriptions of another system that are taken over as they stand (R42-R44)."""

from datetime import timedelta

import pytest

from shared.contracts.lifecycle import (
    LifecycleData,
    Renewed,
    SpecificationChanged,
)
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_parts import RejectionCode
from subscription_service.domain.model import AutoRenewal
from subscription_service.domain.orders import OrderStatus, OrderType, order_entries, status
from subscription_service.domain.terms import subscription_id_of
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import (
    ANNA,
    BERT,
    RULES,
    Scenario,
    contact_changed,
    day,
    refusal,
    registered,
    renewal,
    specification,
    started,
    when,
)

SECOND = timedelta(seconds=1)


def kinds(emitted: list[LifecycleData]) -> list[str]:
    return [type(event).__name__ for event in emitted]


def taken_over(text: str = "2026-01-20 12:00", *terms: object, **changes: object) -> Scenario:
    """An import that is decided at this instant."""
    scenario = Scenario()
    scenario.receive(text, import_of(*terms, **changes))  # type: ignore[arg-type]
    return scenario


@pytest.mark.rule("R42", "R44")
def test_an_import_is_one_event_and_an_active_subscription_as_it_stood() -> None:
    scenario = taken_over(cycle=3)
    ((at, event),) = scenario.log
    assert (at, type(event)) == (when("2026-01-20 12:00"), Imported)
    assert (scenario.active.anchor_day, scenario.active.terms[0].order_id) == (15, "old-1")
    assert scenario.active.terms[0].ends_at == when("2026-02-16 00:00")
    assert scenario.active.subscription_id == subscription_id_of("old-1")
    assert scenario.active.auto_renewal == AutoRenewal(cycle_months=3, effective_on=day("2026-01-20"))
    assert (scenario.account.contact, scenario.account.version) == (ANNA, 1)
    assert scenario.folded().subscription == scenario.account.subscription


@pytest.mark.rule("R42")
def test_a_chain_keeps_its_anchor_day_over_a_short_month() -> None:
    chain = (
        imported_term(starts="2026-01-31 09:00", expires="2026-02-28"),
        imported_term("old-2", starts="2026-03-01 00:00", expires="2026-03-31"),
    )
    scenario = taken_over("2026-02-10 12:00", *chain, anchor_day=31)
    (renewed,) = scenario.receive("2026-02-11 12:00", renewal())
    assert isinstance(renewed, Renewed)
    assert renewed.expires_on == day("2026-04-30")


@pytest.mark.rule("R42")
def test_the_specification_of_a_pending_term_takes_effect_with_its_start() -> None:
    larger = specification(servers=20, cores=80)
    chain = (imported_term(), imported_term("old-2", starts="2026-02-16 00:00", expires="2026-03-15", bought=larger))
    scenario = taken_over("2026-01-20 12:00", *chain)
    assert scenario.only(Imported).specification == specification()
    (changed,) = scenario.advance_to("2026-02-16 00:00")
    assert isinstance(changed, SpecificationChanged)
    assert changed.specification == larger


@pytest.mark.rule("R42")
@pytest.mark.parametrize("terms_ended", [1, 2])
def test_terms_that_ended_long_ago_are_in_the_order_list_only(terms_ended: int) -> None:
    chain = (
        imported_term("old-1", starts="2025-11-15 09:00", expires="2025-12-15"),
        imported_term("old-2", starts="2025-12-16 00:00", expires="2026-01-15"),
        imported_term("old-3", starts="2026-01-16 00:00", expires="2026-02-15"),
    )[2 - terms_ended :]
    scenario = taken_over("2026-01-20 12:00", *chain)
    assert [term.order_id for term in scenario.active.terms] == ["old-2", "old-3"]
    assert scenario.active.subscription_id == subscription_id_of(chain[0].order_id)
    entries = order_entries(
        scenario.only(Imported),
        account=scenario.account,
        cause_type="tenure.subscription.imported.v1",
        at=when("2026-01-20 12:00"),
        rules=RULES,
    )
    assert [entry.order_id for entry in entries] == [term.order_id for term in chain]
    assert {(entry.type, entry.fee) for entry in entries} == {(OrderType.IMPORT, None)}
    now = when("2026-01-20 12:00")
    assert [status(entry, now) for entry in entries[-2:]] == [OrderStatus.ENDED, OrderStatus.EFFECTIVE]


@pytest.mark.rule("R42")
def test_neither_terms_of_service_nor_inventory_nor_ranges_nor_deadlines_are_asked() -> None:
    odd = specification(servers=1, cores=1, honeypot=7)
    scenario = Scenario()
    scenario.receive("2026-02-14 09:00", registered("s-1", 9), registered("s-2", 9))
    (event,) = scenario.receive("2026-02-15 12:00", import_of(imported_term(bought=odd, months=7), cycle=1))
    assert isinstance(event, Imported)


@pytest.mark.rule("R42", "R41")
def test_a_live_subscription_is_not_replaced() -> None:
    scenario = started("2026-01-15 09:00")
    rejected = refusal(scenario.receive("2026-01-16 09:00", import_of(contact=BERT)))
    assert (rejected.code, rejected.order_id) == (RejectionCode.ALREADY_SUBSCRIBED, "imp-1")
    assert rejected.order_type == "tenure.subscription.imported.v1"
    assert scenario.account.contact == ANNA
    scenario.advance_to("2026-02-16 00:00")
    (rejected_in_grace,) = scenario.receive("2026-02-16 09:00", import_of())
    assert refusal([rejected_in_grace]).code is RejectionCode.ALREADY_SUBSCRIBED


@pytest.mark.rule("R42")
def test_after_a_release_another_subscription_can_be_taken_over() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-02-23 00:00")
    assert scenario.is_released
    chain = imported_term("old-9", starts="2026-02-20 09:00", expires="2026-03-20")
    scenario.receive("2026-03-01 09:00", import_of(chain))
    assert scenario.active.subscription_id == subscription_id_of("old-9")


@pytest.mark.rule("R42")
def test_an_import_brings_its_contact_and_a_later_one_replaces_it() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-16 09:00", contact_changed(BERT), import_of())
    assert scenario.account.contact == ANNA
    scenario.receive("2026-01-17 09:00", contact_changed(BERT))
    assert scenario.account.contact == BERT
