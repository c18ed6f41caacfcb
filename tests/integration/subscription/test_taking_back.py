"""A renewal order that is taken back, on a real database: refund, order list, audit, once, over any cut of batches."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest

from shared.contracts.inbound import InboundData
from subscription_service.domain.orders import OrderStatus, status
from subscription_service.domain.terms import automatic_order_id, subscription_id_of
from subscription_service.storage import orders
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.acts import OPERATOR, REASON, cancel
from tests.unit.domain.scenario import (
    ACCOUNT,
    coupon,
    credit,
    day,
    enable,
    purchase,
    renewal,
    when,
)

BOUGHT: Final = purchase(auto_renewal=True)  # E is 2026-02-15, the first attempt on 2026-02-06
PAID: Final[list[InboundData]] = [credit("1000.00"), coupon("k-1", amount_off=Decimal("75.00"))]
DEDUCTED: Final = when("2026-02-06 08:00")
AUTOMATIC: Final = automatic_order_id(subscription_id_of("p-1"), day("2026-02-15"))


def at(text: str, *commands: InboundData, first: int = 0) -> Batch:
    now = when(text)
    return Batch(now, [record(*event(first + number, now, command)) for number, command in enumerate(commands)])


def lifecycle(core: Core) -> list[Any]:
    return [orjson.loads(value) for value in core.published("subscription-lifecycle")]


def kinds(core: Core) -> list[str]:
    return [one["type"].split(".")[2] for one in lifecycle(core)]


def statuses(core: Core, now: str) -> dict[str, OrderStatus]:
    entries = core.reading(lambda connection: orders.of_account(connection, ACCOUNT))
    return {entry.order_id: status(entry, when(now)) for entry in entries}


@pytest.mark.rule("R46", "R39")
@pytest.mark.parametrize("apart", [True, False])
def test_an_automatic_order_is_refunded_once_and_the_audit_is_clean(core: Core, apart: bool) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT, *PAID), Batch(DEDUCTED, ()))
    twice = [at("2026-02-07 09:00", cancel(AUTOMATIC), first=10), at("2026-02-07 09:00", cancel(AUTOMATIC), first=20)]
    together = Batch(twice[0].now, [*twice[0].records, *twice[1].records])
    core.receive(*(twice if apart else [together]))
    [told] = [one for one in lifecycle(core) if "cancelled" in one["type"]]
    data = told["data"]
    assert (data["refunded"], data["balance_after"], data["auto_renewal_off"]) == ("200.00", "1000.00", True)
    assert (data["actor"], data["operator"], data["reason"]) == ("operator", OPERATOR, REASON)
    [refund] = [row for row in core.stored()["ledger_entry"] if row.startswith("(refund,")]
    assert refund.startswith(f"(refund,{AUTOMATIC},{ACCOUNT},200.00,")
    assert (OPERATOR in refund, REASON in refund) == (True, True)
    assert statuses(core, "2026-02-20 09:00")[AUTOMATIC] is OrderStatus.CANCELLED
    assert core.differences() == []


@pytest.mark.rule("R39", "R46")
def test_the_id_of_an_automatic_order_is_nobody_elses_before_and_after_it(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT, *PAID))
    core.receive(at("2026-01-16 12:00", replace(purchase(AUTOMATIC), account_id="other"), first=10))
    core.receive(Batch(DEDUCTED, ()), at("2026-02-07 09:00", renewal(AUTOMATIC), first=20))
    core.receive(at("2026-02-07 10:00", cancel(AUTOMATIC), first=30))
    refusals = [one["data"]["code"] for one in lifecycle(core) if "order_rejected" in one["type"]]
    assert refusals == ["order_conflict", "order_conflict"]
    assert lifecycle(core)[-1]["data"]["refunded"] == "200.00"
    assert core.differences() == []


@pytest.mark.rule("R46", "R4")
def test_a_deduction_that_was_due_and_its_cancellation_in_one_transaction(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT, *PAID), at("2026-02-06 09:00", cancel(AUTOMATIC), first=10))
    assert kinds(core)[-2:] == ["renewed", "renewal_cancelled"]
    assert lifecycle(core)[-1]["data"]["refunded"] == "200.00"
    assert core.differences() == []


@pytest.mark.rule("R46")
def test_the_same_e_is_renewed_again_under_another_id(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT, *PAID), Batch(DEDUCTED, ()))
    core.receive(at("2026-02-07 09:00", cancel(AUTOMATIC), enable(), first=10), Batch(when("2026-02-08 08:00"), ()))
    again = lifecycle(core)[-1]["data"]
    assert again["order_id"] == f"{AUTOMATIC}-{again['version']}"
    core.receive(at("2026-02-09 09:00", cancel(again["order_id"]), first=20))
    assert lifecycle(core)[-1]["data"]["balance_after"] == "1000.00"
    assert core.differences() == []


@pytest.mark.rule("R46", "R25")
def test_attempts_are_counted_on_after_the_renewal_that_followed_them_was_taken_back(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", BOUGHT), Batch(when("2026-02-07 08:00"), ()))
    core.receive(at("2026-02-07 09:00", renewal(), first=10))
    assert core.differences() == []
    core.receive(at("2026-02-07 10:00", cancel(), first=20), Batch(when("2026-02-08 08:00"), ()))
    assert [one["data"]["attempt"] for one in lifecycle(core) if "failed" in one["type"]] == [1, 2, 3]
    assert core.differences() == []


@pytest.mark.rule("R46")
def test_an_order_paid_upstream_has_no_entry_in_the_ledger(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", purchase(), renewal(), cancel()))
    assert lifecycle(core)[-1]["data"]["refunded"] == "0.00"
    assert core.stored()["ledger_entry"] == []
    assert statuses(core, "2026-01-15 12:00") == {"p-1": OrderStatus.EFFECTIVE, "r-1": OrderStatus.CANCELLED}
    assert core.differences() == []


@pytest.mark.rule("R46", "R41")
@pytest.mark.parametrize("operator", [OPERATOR, None])
def test_what_is_refused_names_the_order_and_leaves_the_order_list_alone(core: Core, operator: str | None) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", purchase(), cancel("never-heard-of", operator=operator), first=0))
    data = lifecycle(core)[-1]["data"]
    assert (data["code"], data["order_id"]) == ("order_not_pending", "never-heard-of")
    assert data["actor"] == ("operator" if operator else "user")
    assert list(statuses(core, "2026-01-15 12:00")) == ["p-1"]
    assert core.differences() == []


@pytest.mark.rule("R46", "R41")
def test_another_accounts_order_is_not_pending_here(core: Core) -> None:
    core.begin()
    topic, other = event(9, when("2026-01-15 12:00"), cancel())
    stranger = other | {"subject": "other", "data": other["data"] | {"account_id": "other"}}
    _, bought = event(8, when("2026-01-15 12:00"), purchase("p-2"))
    theirs = bought | {"subject": "other", "data": bought["data"] | {"account_id": "other"}}
    core.receive(at("2026-01-15 12:00", purchase(), renewal()))
    core.receive(Batch(when("2026-01-15 12:00"), [record("purchases", theirs), record(topic, stranger)]))
    assert [one["data"]["code"] for one in lifecycle(core) if "rejected" in one["type"]] == ["order_not_pending"]
    assert statuses(core, "2026-01-15 12:00")["r-1"] is OrderStatus.PENDING


@pytest.mark.rule("R46", "R40")
def test_a_cancellation_waits_for_the_purchase_of_its_account(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", cancel()), at("2026-01-15 12:05", purchase(), first=10))
    assert kinds(core) == ["activated", "order_rejected"]
