"""Money and coupons that an operator takes away, and what holds of the money of every life (R24, R25, R45)."""

from collections.abc import Iterable
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.acts import AccountDebited
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.purchases import AccountCredited
from tests.kit.examples import examples
from tests.unit.domain.acts import debit, revoke
from tests.unit.domain.lives import lived
from tests.unit.domain.scenario import (
    Scenario,
    automatic,
    coupon,
    credit,
    rich,
    specification,
    started,
)
from tests.unit.domain.strategies import CHARGED_LIVES, Life

FEE = Decimal("275.00")  # ultimate, 10 servers at 23.5 and 40 cores at 1, one month
FREE = {"auto_renewal": True, "specification": specification("value-added", servers=0, cores=0)}


@pytest.mark.rule("R45")
def test_a_debit_takes_off_the_balance_and_says_nothing() -> None:
    scenario = rich()
    assert scenario.receive("2026-01-17 09:00", debit("300.25")) == []
    assert scenario.account.balance == Decimal("699.75")


@pytest.mark.rule("R45")
def test_a_debit_may_leave_a_debt_also_where_nothing_else_is_known_of_the_account() -> None:
    scenario = Scenario()
    assert scenario.receive("2026-01-17 09:00", debit("0.01")) == []
    assert scenario.account.balance == Decimal("-0.01")


@pytest.mark.rule("R25", "R45")
def test_a_cent_of_debt_fails_a_fee_of_nothing_and_is_the_shortfall() -> None:
    scenario = started("2026-01-15 09:00", **FREE)
    scenario.receive("2026-01-16 09:00", debit("0.01"))
    (event,) = scenario.advance_to("2026-02-06 08:00")
    assert isinstance(event, AutoRenewalFailed)
    assert (event.fee, event.balance, event.shortfall) == (Decimal("0.00"), Decimal("-0.01"), Decimal("0.01"))
    (renewed,) = scenario.receive("2026-02-06 09:00", credit("0.01"))
    assert isinstance(renewed, Renewed)


@pytest.mark.rule("R45")
def test_without_a_debt_a_fee_of_nothing_is_paid() -> None:
    scenario = started("2026-01-15 09:00", **FREE)
    scenario.receive("2026-01-16 09:00", credit("1.00"), debit("1.00"))
    assert [type(event) for event in scenario.advance_to("2026-02-06 08:00")] == [Renewed]


@pytest.mark.rule("R45")
def test_the_shortfall_includes_the_debt_also_where_a_coupon_pays_the_whole_fee() -> None:
    scenario = automatic()
    scenario.receive("2026-01-16 09:00", coupon(percent_off=100), debit("10.00"))
    scenario.advance_to("2026-02-06 08:00")
    event = scenario.only(AutoRenewalFailed)
    assert (event.fee, event.discount, event.shortfall) == (FEE, FEE, Decimal("10.00"))


@pytest.mark.rule("R25", "R45")
def test_a_debit_tries_no_outstanding_deduction_again() -> None:
    scenario = automatic()
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.receive("2026-02-06 09:00", debit("1.00")) == []


@pytest.mark.rule("R45")
def test_a_revoked_coupon_is_not_tried_and_the_others_are() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon("k-1", amount_off=Decimal("75.00")), coupon("k-2", percent_off=10))
    assert scenario.receive("2026-01-18 09:00", revoke("k-1")) == []
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).coupon_id == "k-2"


@pytest.mark.rule("R45")
def test_a_revocation_that_comes_before_its_coupon_holds() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", revoke("k-1"), coupon("k-1", percent_off=10))
    scenario.advance_to("2026-02-06 08:00")
    assert scenario.only(Renewed).coupon_id is None


@pytest.mark.rule("R45")
def test_revoking_a_coupon_that_is_used_up_changes_nothing() -> None:
    scenario = rich()
    scenario.receive("2026-01-17 09:00", coupon("k-1", percent_off=10))
    scenario.advance_to("2026-02-06 08:00")
    before = scenario.account
    assert scenario.receive("2026-02-06 09:00", revoke("k-1")) == []
    assert (scenario.account.balance, scenario.account.subscription) == (before.balance, before.subscription)


@pytest.mark.rule("R45")
@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_money_and_coupons_end_the_same_in_any_order(data: st.DataObject) -> None:
    coupons = data.draw(st.sets(st.sampled_from("abcd")))
    issued: list[InboundData] = [coupon(each, percent_off=10) for each in coupons]
    taken: list[InboundData] = [revoke(each) for each in data.draw(st.lists(st.sampled_from("abcd"), max_size=4))]
    moved: list[InboundData] = [credit("30.00"), debit("70.00"), debit("0.01", "db-2")]
    commands: list[InboundData] = [*issued, *taken, *moved]
    assert ended(data.draw(st.permutations(commands))) == ended(commands)


def ended(commands: Iterable[InboundData]) -> tuple[object, ...]:
    """Balance and unused coupons after these events."""
    scenario = automatic()
    scenario.receive("2026-01-17 09:00", *commands)
    return scenario.account.balance, {each.coupon_id for each in scenario.account.coupons}


@pytest.mark.rule("R24", "R25", "R45")
@given(life=CHARGED_LIVES)
@settings(max_examples=examples(100), deadline=None)
def test_no_money_appears_or_is_lost(life: Life) -> None:
    scenario = lived(life)
    assert {type(event) for _, event in scenario.log} & {Renewed, AutoRenewalFailed}
    credited = sum((command.amount for _, command in life.steps if isinstance(command, AccountCredited)), Decimal(0))
    charged = sum((event.charged or Decimal(0) for _, event in scenario.log if isinstance(event, Renewed)), Decimal(0))
    debited = sum((command.amount for _, command in life.steps if isinstance(command, AccountDebited)), Decimal(0))
    refunded = sum((event.refunded for _, event in scenario.log if isinstance(event, RenewalTakenBack)), Decimal(0))
    assert scenario.account.balance == credited - debited - charged + refunded >= -debited
    for _, event in scenario.log:
        if isinstance(event, AutoRenewalFailed):
            assert event.shortfall == event.fee - event.discount - event.balance > 0
