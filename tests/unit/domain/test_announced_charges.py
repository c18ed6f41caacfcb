"""What a notice before a charge says: price, coupon, balance, obstacles, and the fee before (R49)."""

from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.lifecycle_auto_renewal import RenewalUpcoming
from shared.contracts.lifecycle_parts import Obstacle, Quote, RejectionCode
from subscription_service.domain.policy import Rules
from tests.unit.domain.acts import debit
from tests.unit.domain.imports import import_of
from tests.unit.domain.price_lists import dated
from tests.unit.domain.scenario import (
    Scenario,
    automatic,
    change,
    coupon,
    credit,
    day,
    enable,
    registered,
    renewal_with,
    specification,
)
from tests.unit.domain.test_charge_notices import DUE, WEEK, the_notice

pytestmark = pytest.mark.rule("R49")


def noticed(*commands: Any, policy: Rules = WEEK, **bought: Any) -> RenewalUpcoming:
    """The notice of a subscription on which this happens on the day after it was bought."""
    scenario = automatic(rules=policy, **bought)
    scenario.receive("2026-01-16 09:00", *commands)
    return the_notice(scenario.advance_to(DUE))


def test_it_states_balance_and_what_it_lacks() -> None:
    notices = {amount: noticed(credit(amount)) for amount in ("274.99", "275.00", "400.00")}
    assert {amount: (notice.balance, notice.shortfall) for amount, notice in notices.items()} == {
        "274.99": (Decimal("274.99"), Decimal("0.01")),
        "275.00": (Decimal("275.00"), Decimal("0.00")),
        "400.00": (Decimal("400.00"), Decimal("0.00")),
    }


@pytest.mark.rule("R45")
def test_a_debt_counts_to_what_the_balance_lacks_also_with_a_fee_of_nothing() -> None:
    whole = coupon(percent_off=100, amount_off=None)
    notice = noticed(debit("10.00"), whole)
    assert (notice.discount, notice.balance, notice.shortfall) == (
        Decimal("275.00"),
        Decimal("-10.00"),
        Decimal("10.00"),
    )


@pytest.mark.rule("R24")
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "used"),
    [
        ("2026-02-06", "2026-02-06", "k-1"),
        ("2026-02-07", "2026-02-28", None),
        ("2026-01-01", "2026-02-05", None),
        ("2026-01-01", "2026-02-06", "k-1"),
    ],
)
def test_it_names_the_coupon_of_the_attempt_s_day_and_not_of_its_own(
    valid_from: str, valid_until: str, used: str | None
) -> None:
    ticket = coupon(
        amount_off=Decimal("20.00"), percent_off=None, valid_from=day(valid_from), valid_until=day(valid_until)
    )
    notice = noticed(ticket)
    assert notice.coupon_id == used
    assert (notice.discount, notice.shortfall) == (
        (Decimal("20.00"), Decimal("255.00")) if used else (Decimal("0.00"), Decimal("275.00"))
    )


@pytest.mark.rule("R14")
def test_it_says_what_would_refuse_a_manual_renewal() -> None:
    bought = specification(servers=1, cores=40)
    notice = noticed(registered("s-1"), registered("s-2"), specification=bought)
    assert notice.obstacles == (Obstacle(code=RejectionCode.SERVERS_BELOW_INVENTORY, required=2, offered=1),)
    assert noticed().obstacles == ()


@pytest.mark.rule("R50")
@pytest.mark.parametrize(("begins", "fee"), [("2026-02-06", "550.00"), ("2026-02-07", "275.00")])
def test_the_fee_is_that_of_the_list_in_force_at_the_attempt(begins: str, fee: str) -> None:
    notice = noticed(policy=dated((begins, 2), charge_notice_days=(7,)))
    assert (notice.quote.fee, notice.shortfall) == (Decimal(fee), Decimal(fee))
    assert notice.previous_fee == Decimal("275.00")


@pytest.mark.rule("R21")
def test_the_months_are_those_of_the_cycle_that_holds_at_the_attempt() -> None:
    notice = noticed(enable(3))
    assert notice.quote == Quote(months=3, fee=Decimal("825.00"), currency="USD")


def test_the_previous_fee_is_that_of_the_last_term_where_it_was_the_same() -> None:
    assert noticed().previous_fee == Decimal("275.00")
    assert noticed(enable(3)).previous_fee is None
    assert noticed(change(specification(servers=20))).previous_fee is None
    there_and_back = (change(specification(servers=20), "c-1"), change(specification(), "c-2"))
    assert noticed(*there_and_back).previous_fee == Decimal("275.00")


def test_the_previous_fee_is_the_last_order_s_also_where_that_renewed_by_itself() -> None:
    scenario = automatic(rules=dated(("2026-02-06", 2), ("2026-03-06", 3), charge_notice_days=(7,)))
    scenario.receive("2026-01-16 09:00", credit("600.00"))
    scenario.advance_to("2026-02-27 10:00")
    _, notice = [event for _, event in scenario.log if isinstance(event, RenewalUpcoming)]
    assert (notice.previous_fee, notice.quote.fee) == (Decimal("550.00"), Decimal("825.00"))


def test_after_a_renewal_with_change_the_new_term_counts() -> None:
    scenario = automatic(rules=WEEK)
    scenario.receive("2026-01-16 09:00", renewal_with(specification("advanced", servers=4, cores=0)))
    notice = the_notice(scenario.advance_to("2026-02-27 10:00"))
    assert (notice.expires_on, notice.quote.fee, notice.previous_fee) == (
        day("2026-03-15"),
        Decimal("38.00"),
        Decimal("38.00"),
    )


def test_an_imported_term_has_no_fee_to_name() -> None:
    scenario = Scenario(rules=WEEK)
    scenario.receive("2026-01-20 12:00", import_of(cycle=1))
    notice = the_notice(scenario.advance_to(DUE))
    assert notice.previous_fee is None
