"""Debits and revoked coupons on a real database: once each, with operator and reason, over any cut of the batches."""

from decimal import Decimal
from typing import Any, Final

import pytest

from shared.contracts.inbound import InboundData
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.acts import OPERATOR, REASON, debit, revoke
from tests.unit.domain.scenario import coupon, credit, purchase, when

BOUGHT: Final = purchase(auto_renewal=True)  # E is 2026-02-15, the first attempt on 2026-02-06
TEN_OFF: Final = coupon("k-1", amount_off=Decimal("10.00"))
DEDUCTED: Final = when("2026-02-06 08:00")


def at(text: str, *commands: InboundData, first: int = 0) -> Batch:
    now = when(text)
    return Batch(now, [record(*event(first + number, now, command)) for number, command in enumerate(commands)])


def lifecycle(core: Core) -> list[Any]:
    return core.published("subscription-lifecycle")


@pytest.mark.rule("R39", "R45")
def test_the_same_debit_twice_counts_once_and_another_with_its_id_is_a_dead_letter(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", credit("100.00"), debit("30.00"), debit("30.00"), debit("31.00")))
    assert core.counted() == {"applied": 2, "duplicate": 1, "dead_letter": 1, "parked": 0}
    [entry] = [row for row in core.stored()["ledger_entry"] if row.startswith("(debit,")]
    assert entry.startswith("(debit,db-1,acme,-30.00,")
    assert (OPERATOR in entry, REASON in entry) == (True, True)
    assert core.differences() == []


@pytest.mark.rule("R39", "R45")
def test_a_debit_shares_its_ids_with_credits(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", credit("100.00", "e-1")), at("2026-01-15 12:01", debit("1.00", "e-1"), first=9))
    assert core.counted() == {"applied": 1, "dead_letter": 1, "parked": 0}


@pytest.mark.rule("R45")
def test_a_debit_and_a_revocation_say_nothing_of_an_account_that_is_not_known(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", debit("0.01"), revoke("k-1")))
    assert (lifecycle(core), core.counted()) == ([], {"applied": 2, "parked": 0})
    assert core.differences() == []


@pytest.mark.rule("R45")
@pytest.mark.parametrize("cut", [1, 2, 3])
@pytest.mark.parametrize("first", ["coupon", "revocation"])
def test_a_revoked_coupon_pays_for_nothing_whichever_comes_first(core: Core, cut: int, first: str) -> None:
    core.begin()
    pair: list[InboundData] = [TEN_OFF, revoke("k-1")] if first == "coupon" else [revoke("k-1"), TEN_OFF]
    commands = [BOUGHT, *pair]
    for start in range(0, len(commands), cut):
        core.receive(at("2026-01-15 12:00", *commands[start : start + cut], first=start))
    core.receive(Batch(DEDUCTED, ()), at("2026-02-06 09:00", credit("275.00"), first=50))
    assert b'"coupon_id":null' in lifecycle(core)[-1]
    assert core.differences() == []


@pytest.mark.rule("R45")
@pytest.mark.parametrize("apart", [True, False])
def test_a_revocation_that_came_before_holds_where_a_credit_tries_again_at_once(core: Core, apart: bool) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT), Batch(DEDUCTED, ()))  # fails, and is outstanding
    late: list[InboundData] = [revoke("k-1"), TEN_OFF, credit("265.00")]
    if apart:
        core.receive(at("2026-02-06 09:00", late.pop(0), first=10))
    core.receive(at("2026-02-06 09:00", *late, first=20))
    assert b"auto_renewal_failed" in lifecycle(core)[-1]
    assert b'"shortfall":"10.00"' in lifecycle(core)[-1]


@pytest.mark.rule("R45")
def test_revoking_a_used_coupon_leaves_it_used(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT, TEN_OFF, credit("300.00")), Batch(DEDUCTED, ()))
    before = core.stored()
    core.receive(at("2026-02-06 09:00", revoke("k-1"), first=20))
    assert (core.stored()["coupon"], core.stored()["ledger_entry"]) == (before["coupon"], before["ledger_entry"])


@pytest.mark.rule("R45")
def test_a_revocation_by_another_account_takes_nothing_away(core: Core) -> None:
    core.begin()
    topic, other = event(9, when("2026-01-15 12:00"), revoke("k-1"))
    stranger = other | {"subject": "other", "data": other["data"] | {"account_id": "other"}}
    core.receive(at("2026-01-15 12:00", BOUGHT, TEN_OFF, credit("300.00")))
    core.receive(Batch(when("2026-01-15 12:00"), [record(topic, stranger)]), Batch(DEDUCTED, ()))
    assert b'"coupon_id":"k-1"' in lifecycle(core)[-1]
