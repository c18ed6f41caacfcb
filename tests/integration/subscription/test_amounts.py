"""Amounts that a decision makes: exact up to 30 digits, from the event in to what is stored, published and audited."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest

from shared.contracts.envelope import Event, decode
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, LifecycleData, OrderRejected, Renewed
from shared.contracts.lifecycle_parts import RejectionCode
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.scenario import (
    change,
    credit,
    purchase,
    renewal_with,
    specification,
    when,
)

LARGEST: Final = "999999999999999.99"
"""The largest amount that an event in may have."""
ORDERED: Final = when("2026-01-15 09:00")
DEDUCTED: Final = when("2026-02-06 08:00")
TOO_MUCH: Final = specification(web_tamper_proofing=10**15)


def batch(*commands: InboundData) -> Batch:
    events = [event(number, ORDERED, command) for number, command in enumerate(commands)]
    return Batch(ORDERED, [record(*one) for one in events])


def lifecycle(core: Core) -> list[Event[LifecycleData]]:
    """The lifecycle events as the notifier reads them, by the published contracts."""
    return [decode(value, (), LIFECYCLE_EVENTS) for value in core.published("subscription-lifecycle")]


def overview(core: Core) -> dict[str, Any]:
    """The last state document."""
    document: dict[str, Any] = orjson.loads(core.published("subscription-state")[-1])
    return document


@pytest.mark.rule("R20", "R25")
@pytest.mark.parametrize("count", [2, 1_001], ids=["17 digits", "21 digits"])
def test_an_automatic_renewal_off_a_very_large_balance_is_exact_and_readable(core: Core, count: int) -> None:
    core.begin()
    paid = [credit(LARGEST, f"cr-{number}") for number in range(count)]
    core.receive(batch(purchase(auto_renewal=True), *paid), Batch(DEDUCTED, ()))
    [renewed] = [one.data for one in lifecycle(core) if isinstance(one.data, Renewed)]
    balance = count * Decimal(LARGEST) - Decimal("275.00")
    assert (renewed.charged, renewed.balance_after) == (Decimal("275.00"), balance)
    assert overview(core)["balance"] == str(balance)
    assert core.differences() == []
    core.receive(Batch(DEDUCTED + timedelta(days=1), ()))
    assert core.counted() == {"applied": 1 + count, "parked": 0}


@pytest.mark.rule("R41")
@pytest.mark.parametrize(
    "orders",
    [
        [purchase("p-2", months=36, specification=TOO_MUCH)],
        [purchase(), renewal_with(TOO_MUCH, "rc-2", months=36)],
        [purchase(), change(TOO_MUCH, "c-2")],
    ],
    ids=["purchase", "renewal with change", "change"],
)
def test_an_order_whose_price_is_too_large_is_refused_and_never_a_dead_letter(
    core: Core, orders: list[InboundData]
) -> None:
    core.begin()
    core.receive(batch(*orders))
    [refused] = [one.data for one in lifecycle(core) if isinstance(one.data, OrderRejected)]
    assert refused.code is RejectionCode.AMOUNT_OUT_OF_RANGE
    assert core.counted()["dead_letter"] == 0
    assert core.differences() == []
