"""Upgrade and downgrade at once (R19)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import SpecificationChanged
from shared.contracts.types import Specification
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.pricing import price_difference
from tests.unit.domain.scenario import (
    PRICES,
    bound,
    change,
    purchase,
    refusal,
    registered,
    renewal,
    specification,
    started,
    when,
)


@pytest.mark.rule("R19")
def test_a_change_takes_effect_at_once_and_keeps_the_end() -> None:
    scenario = started("2026-01-15 09:00")
    before = scenario.active.terms[0]
    (emitted,) = scenario.receive("2026-01-20 09:00", change(specification(servers=20)))
    assert isinstance(emitted, SpecificationChanged)
    (term,) = scenario.active.terms
    assert (term.order_id, term.starts_at, term.ends_at) == (before.order_id, before.starts_at, before.ends_at)
    assert term.specification.protected_servers == 20
    assert emitted.effective_at == when("2026-01-20 09:00")
    assert (emitted.previous, emitted.specification) == (before.specification, term.specification)


@pytest.mark.rule("R19")
def test_the_difference_is_for_the_seconds_that_remain_and_the_balance_is_untouched() -> None:
    # A term of 32 days minus 9 hours; 23.5 x 10 a month more; half of the seconds remain.
    scenario = started("2026-01-15 09:00")
    term = scenario.active.terms[0]
    middle = term.starts_at + (term.ends_at - term.starts_at) / 2
    (emitted,) = scenario.receive(middle, change(specification(servers=20)))
    assert isinstance(emitted, SpecificationChanged)
    assert emitted.price_difference == Decimal("117.50")
    assert emitted.currency == "USD"
    assert scenario.account.balance == Decimal("0.00")


@pytest.mark.rule("R19")
@pytest.mark.parametrize(
    ("months", "wanted", "difference"),
    [
        (1, specification("ultimate"), "0.00"),
        (12, specification("ultimate", servers=11), "282.00"),
        (1, specification("ultimate", servers=9), "-23.50"),
        (3, specification("ultimate", servers=10, cores=41), "3.00"),
    ],
)
def test_at_the_term_s_first_second_the_difference_is_the_whole_term(
    months: int, wanted: Specification, difference: str
) -> None:
    scenario = started("2026-01-15 09:00", months=months)
    (emitted,) = scenario.receive("2026-01-15 09:00", change(wanted))
    assert isinstance(emitted, SpecificationChanged)
    assert emitted.price_difference == Decimal(difference)


@pytest.mark.rule("R19")
def test_the_difference_is_rounded_half_away_from_zero_once() -> None:
    scans = specification("value-added", configuration_check=1010)  # 0.505 a month
    none = specification("value-added")
    empty = started(specification=none).active.terms[0]
    full = replace(empty, specification=scans)
    at = empty.starts_at
    assert price_difference(empty, scans, at=at, prices=PRICES) == Decimal("0.51")
    assert price_difference(full, none, at=at, prices=PRICES) == Decimal("-0.51")
    assert str(price_difference(full, none, at=full.ends_at, prices=PRICES)) == "0.00"


@pytest.mark.rule("R19")
def test_a_change_is_for_active_subscriptions_only() -> None:
    scenario = started("2026-01-15 09:00")
    assert isinstance(
        scenario.receive("2026-02-15 23:59:59", change(specification(servers=20)))[-1], SpecificationChanged
    )
    emitted = scenario.receive("2026-02-16 00:00:00", change(specification(servers=30), "c-2"))
    assert refusal(emitted[1:]).code == "not_active"


@pytest.mark.rule("R19")
@pytest.mark.parametrize(
    ("wanted", "values"),
    [
        (specification("enterprise", honeypot=30), ("ultimate", "enterprise")),
        (specification("ultimate", honeypot=29), (30, 29)),
        (specification("ultimate"), (30, 0)),
    ],
)
def test_edition_and_honeypot_do_not_go_down_outside_a_renewal(
    wanted: Specification, values: tuple[object, object]
) -> None:
    scenario = started(specification=specification("ultimate", honeypot=30))
    emitted = refusal(scenario.receive("2026-01-16 09:00", change(wanted)))
    assert (emitted.code, emitted.required, emitted.offered) == ("downgrade_only_at_renewal", *values)


@pytest.mark.rule("R19")
def test_everything_else_may_go_down_and_the_edition_up() -> None:
    scenario = started(specification=specification("enterprise", honeypot=30, image_scan=40))
    less = specification("ultimate", servers=1, cores=1, honeypot=30)
    assert isinstance(scenario.receive("2026-01-16 09:00", change(less))[0], SpecificationChanged)


@pytest.mark.rule("R16", "R19")
def test_the_minimum_quota_of_a_change_is_that_of_the_new_mode() -> None:
    full = started()
    full.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert refusal(full.receive("2026-01-16 10:00", change(specification(servers=1)))).code == "servers_below_inventory"
    partial = started(specification=specification(mode="partial"))
    partial.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), bound("s-1"), bound("s-2"))
    wanted = specification(mode="partial", servers=2, cores=7)
    assert refusal(partial.receive("2026-01-16 10:00", change(wanted))).code == "cores_below_bound"


@pytest.mark.rule("R16", "R19")
def test_a_change_to_partial_mode_binds_at_once() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    scenario.receive("2026-01-16 10:00", change(specification(mode="partial", servers=1)))
    assert scenario.account.bound == ServerTotals(1, 4)


@pytest.mark.rule("R13", "R19")
def test_a_renewal_after_a_change_renews_what_was_changed_to() -> None:
    scenario = started()
    scenario.receive("2026-01-16 10:00", change(specification(servers=33)), renewal())
    assert [term.specification.protected_servers for term in scenario.active.terms] == [33, 33]


@pytest.mark.rule("R41")
def test_a_change_without_a_subscription_is_refused() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-02-23 00:00")
    assert refusal(scenario.receive("2026-02-23 09:00", change(specification()))).code == "subscription_released"
    assert scenario.receive("2026-02-23 10:00", purchase("p-2"))[0].__class__.__name__ == "Activated"
