"""Upgrade and downgrade at once (R19)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import SpecificationChanged
from shared.contracts.types import Specification
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.pricing import price_difference
from tests.unit.domain.story import (
    RULES,
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
    story = started("2026-01-15 09:00")
    before = story.active.terms[0]
    (said,) = story.hear("2026-01-20 09:00", change(specification(servers=20)))
    assert isinstance(said, SpecificationChanged)
    (term,) = story.active.terms
    assert (term.order_id, term.starts_at, term.ends_at) == (before.order_id, before.starts_at, before.ends_at)
    assert term.specification.protected_servers == 20
    assert said.effective_at == when("2026-01-20 09:00")
    assert (said.previous, said.specification) == (before.specification, term.specification)


@pytest.mark.rule("R19")
def test_the_difference_is_for_the_seconds_that_remain_and_the_balance_is_untouched() -> None:
    # A term of 32 days minus 9 hours; 23.5 x 10 a month more; half of the seconds remain.
    story = started("2026-01-15 09:00")
    term = story.active.terms[0]
    middle = term.starts_at + (term.ends_at - term.starts_at) / 2
    (said,) = story.hear(middle, change(specification(servers=20)))
    assert isinstance(said, SpecificationChanged)
    assert said.price_difference == Decimal("117.50")
    assert story.account.balance == Decimal("0.00")


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
    story = started("2026-01-15 09:00", months=months)
    (said,) = story.hear("2026-01-15 09:00", change(wanted))
    assert isinstance(said, SpecificationChanged)
    assert said.price_difference == Decimal(difference)


@pytest.mark.rule("R19")
def test_the_difference_is_rounded_half_away_from_zero_once() -> None:
    scans = specification("value-added", configuration_check=1010)  # 0.505 a month
    none = specification("value-added")
    empty = started(specification=none).active.terms[0]
    full = replace(empty, specification=scans)
    at = empty.starts_at
    assert price_difference(empty, scans, at=at, catalog=RULES.catalog) == Decimal("0.51")
    assert price_difference(full, none, at=at, catalog=RULES.catalog) == Decimal("-0.51")
    assert str(price_difference(full, none, at=full.ends_at, catalog=RULES.catalog)) == "0.00"


@pytest.mark.rule("R19")
def test_a_change_is_for_active_subscriptions_only() -> None:
    story = started("2026-01-15 09:00")
    assert isinstance(story.hear("2026-02-15 23:59:59", change(specification(servers=20)))[-1], SpecificationChanged)
    said = story.hear("2026-02-16 00:00:00", change(specification(servers=30), "c-2"))
    assert refusal(said[1:]).code == "not_active"


@pytest.mark.rule("R19")
@pytest.mark.parametrize(
    ("wanted", "figures"),
    [
        (specification("enterprise", honeypot=30), ("ultimate", "enterprise")),
        (specification("ultimate", honeypot=29), (30, 29)),
        (specification("ultimate"), (30, 0)),
    ],
)
def test_edition_and_honeypot_do_not_go_down_outside_a_renewal(
    wanted: Specification, figures: tuple[object, object]
) -> None:
    story = started(specification=specification("ultimate", honeypot=30))
    said = refusal(story.hear("2026-01-16 09:00", change(wanted)))
    assert (said.code, said.required, said.offered) == ("downgrade_only_at_renewal", *figures)


@pytest.mark.rule("R19")
def test_everything_else_may_go_down_and_the_edition_up() -> None:
    story = started(specification=specification("enterprise", honeypot=30, image_scan=40))
    less = specification("ultimate", servers=1, cores=1, honeypot=30)
    assert isinstance(story.hear("2026-01-16 09:00", change(less))[0], SpecificationChanged)


@pytest.mark.rule("R16", "R19")
def test_the_bounds_of_a_change_are_those_of_the_new_mode() -> None:
    full = started()
    full.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert refusal(full.hear("2026-01-16 10:00", change(specification(servers=1)))).code == "servers_below_inventory"
    partial = started(specification=specification(mode="partial"))
    partial.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"), bound("s-1"), bound("s-2"))
    wanted = specification(mode="partial", servers=2, cores=7)
    assert refusal(partial.hear("2026-01-16 10:00", change(wanted))).code == "cores_below_bound"


@pytest.mark.rule("R16", "R19")
def test_a_change_to_partial_mode_binds_at_once() -> None:
    story = started()
    story.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    story.hear("2026-01-16 10:00", change(specification(mode="partial", servers=1)))
    assert story.account.bound == ServerTotals(1, 4)


@pytest.mark.rule("R13", "R19")
def test_a_renewal_after_a_change_renews_what_was_changed_to() -> None:
    story = started()
    story.hear("2026-01-16 10:00", change(specification(servers=33)), renewal())
    assert [term.specification.protected_servers for term in story.active.terms] == [33, 33]


@pytest.mark.rule("R41")
def test_a_change_without_a_subscription_is_refused() -> None:
    story = started("2026-01-15 09:00")
    story.wait("2026-02-23 00:00")
    assert refusal(story.hear("2026-02-23 09:00", change(specification()))).code == "subscription_released"
    assert story.hear("2026-02-23 10:00", purchase("p-2"))[0].__class__.__name__ == "Activated"
