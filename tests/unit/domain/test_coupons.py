"""Which coupon a deduction tries, and what it takes off the fee (R24)."""

from decimal import Decimal

import pytest

from shared.contracts.lifecycle import Renewed
from shared.contracts.purchases import CouponIssued
from subscription_service.domain.model import Coupon
from subscription_service.domain.pricing import best_coupon, discount
from tests.unit.domain.scenario import (
    automatic,
    coupon,
    day,
    rich,
    specification,
    started,
)

FEE = Decimal("275.00")  # ultimate, 10 servers at 23.5 and 40 cores at 1, one month
A_COUPON = Coupon(
    coupon_id="k-1",
    amount_off=Decimal("5.00"),
    percent_off=None,
    minimum_spend=Decimal("0.00"),
    valid_from=day("2026-01-01"),
    valid_until=day("2026-12-31"),
)


@pytest.mark.rule("R24")
def test_one_coupon_is_used_up_whole_and_the_balance_pays_the_rest() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon("k-2", amount_off=Decimal("75.00")), coupon("k-3", percent_off=10))
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.coupon_id, event.discount, event.charged) == ("k-2", Decimal("75.00"), Decimal("200.00"))
    assert [left.coupon_id for left in scenario.account.coupons] == ["k-3"]
    assert scenario.account.balance == Decimal("800.00")


@pytest.mark.rule("R24")
def test_a_coupon_above_the_fee_is_used_up_all_the_same() -> None:
    scenario = automatic()
    scenario.receive("2026-01-17 09:00", coupon(amount_off=Decimal("1000.00")))
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.discount, event.charged, event.balance_after) == (FEE, Decimal("0.00"), Decimal("0.00"))
    assert scenario.account.coupons == ()


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    "unused", [coupon(amount_off=Decimal("50.00")), coupon(percent_off=100)], ids=["amount off", "percent off"]
)
def test_a_fee_of_nothing_uses_no_coupon(unused: CouponIssued) -> None:
    free = specification("value-added", servers=0, cores=0)
    scenario = started("2026-01-15 09:00", auto_renewal=True, specification=free)
    scenario.receive("2026-01-17 09:00", unused)
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(Renewed)
    assert (event.fee, event.discount, event.charged) == (Decimal("0.00"), Decimal("0.00"), Decimal("0.00"))
    assert (event.coupon_id, event.balance_after) == (None, Decimal("0.00"))
    assert [left.coupon_id for left in scenario.account.coupons] == ["k-1"]


@pytest.mark.rule("R24")
def test_the_smallest_fee_uses_a_coupon() -> None:
    assert best_coupon([A_COUPON], Decimal("0.01"), day("2026-02-06")) == A_COUPON
    assert best_coupon([A_COUPON], Decimal("0.00"), day("2026-02-06")) is None


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "counts"),
    [
        ("2026-02-06", "2026-02-06", True),
        ("2026-02-07", "2026-03-01", False),
        ("2026-01-01", "2026-02-05", False),
    ],
)
def test_a_coupon_counts_from_its_first_day_to_its_last(valid_from: str, valid_until: str, counts: bool) -> None:
    scenario = rich()
    scenario.receive(
        "2026-01-17 09:00",
        coupon(amount_off=Decimal("5.00"), valid_from=day(valid_from), valid_until=day(valid_until)),
    )
    scenario.advance_to("2026-02-06 08:00")
    assert (scenario.only(Renewed).coupon_id == "k-1") is counts


@pytest.mark.rule("R24")
def test_the_coupon_that_ends_first_is_tried_and_then_the_smallest_id() -> None:
    scenario = rich()
    scenario.receive(
        "2026-01-17 09:00",
        coupon("k-9", amount_off=Decimal("1.00"), valid_until=day("2026-02-28")),
        coupon("k-3", amount_off=Decimal("2.00"), valid_until=day("2026-03-31")),
        coupon("k-8", amount_off=Decimal("3.00"), valid_until=day("2026-02-28")),
        coupon("k-1", amount_off=Decimal("4.00"), valid_until=day("2026-02-10"), minimum_spend=Decimal("275.01")),
    )
    found = best_coupon(scenario.account.coupons, FEE, day("2026-02-06"))
    assert found is not None
    assert found.coupon_id == "k-8"
    exact = best_coupon(scenario.account.coupons, Decimal("275.01"), day("2026-02-06"))
    assert exact is not None
    assert exact.coupon_id == "k-1"


@pytest.mark.rule("R24")
def test_percent_is_rounded_half_up_to_cents() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon(percent_off=15))
    (only,) = scenario.account.coupons
    assert discount(only, Decimal("0.10")) == Decimal("0.02")
    assert discount(only, Decimal("0.09")) == Decimal("0.01")
    assert discount(None, Decimal("9.00")) == Decimal("0.00")
