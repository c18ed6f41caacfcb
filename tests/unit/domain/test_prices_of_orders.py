"""Each order's event states its list price, whoever is paid; only an automatic renewal states what was deducted."""

from decimal import Decimal

import pytest

from shared.contracts.lifecycle import Activated, LifecycleData, Renewed
from shared.contracts.lifecycle_parts import Quote
from tests.unit.domain.scenario import (
    Scenario,
    purchase,
    renewal,
    renewal_with,
    rich,
    specification,
    started,
)

SMALLER = specification("advanced", servers=4, cores=0)


def usd(months: int, fee: str) -> Quote:
    return Quote(months=months, fee=Decimal(fee), currency="USD")


def last_renewal(emitted: list[LifecycleData]) -> Renewed:
    return [event for event in emitted if isinstance(event, Renewed)][-1]


@pytest.mark.rule("R5")
def test_a_purchase_states_the_price_of_its_term() -> None:
    (event,) = Scenario().receive("2026-01-15 09:00", purchase(months=3))
    assert isinstance(event, Activated)
    assert event.price == usd(3, "825.00")


@pytest.mark.rule("R13", "R15")
def test_a_renewal_by_order_states_its_price_and_that_nothing_was_deducted() -> None:
    scenario = started("2026-01-15 09:00")
    plain = last_renewal(scenario.receive("2026-01-16 09:00", renewal(months=12)))
    changed = last_renewal(started("2026-01-15 09:00").receive("2026-01-16 09:00", renewal_with(SMALLER, months=2)))
    assert (plain.price, changed.price) == (usd(12, "3300.00"), usd(2, "76.00"))
    for event in (plain, changed):
        assert (event.fee, event.discount, event.charged, event.balance_after, event.retained) == (None,) * 5


@pytest.mark.rule("R20", "R27")
def test_an_automatic_renewal_states_its_price_beside_what_was_deducted() -> None:
    event = last_renewal(rich().advance_to("2026-02-06 08:00"))
    assert (event.price, event.charged) == (usd(1, "275.00"), Decimal("275.00"))
