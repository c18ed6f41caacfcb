"""Extensions on a real database: once each, in the order list and the audit, over any cut of batches."""

from dataclasses import replace
from typing import Any, Final

import orjson
import pytest

from shared.contracts.inbound import InboundData
from subscription_service.storage import orders
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.acts import OPERATOR, REASON, cancel, extend
from tests.unit.domain.scenario import (
    ACCOUNT,
    change,
    purchase,
    renewal,
    specification,
    when,
)

SMALLER: Final = specification(servers=5, cores=20)


def at(text: str, *commands: InboundData, first: int = 0) -> Batch:
    now = when(text)
    return Batch(now, [record(*event(first + number, now, command)) for number, command in enumerate(commands)])


def lifecycle(core: Core) -> list[Any]:
    return [orjson.loads(value) for value in core.published("subscription-lifecycle")]


def kinds(core: Core) -> list[str]:
    return [one["type"].split(".")[2] for one in lifecycle(core)]


def ends(core: Core, account_id: str = ACCOUNT) -> dict[str, Any]:
    return {entry.order_id: entry.ends_at for entry in core.reading(lambda each: orders.of_account(each, account_id))}


@pytest.mark.rule("R47", "R39")
@pytest.mark.parametrize("apart", [True, False])
def test_the_same_extension_twice_counts_once_and_with_other_content_it_conflicts(core: Core, apart: bool) -> None:
    core.begin()
    acts = [extend(3, "2026-02-15"), extend(3, "2026-02-15"), extend(4, "2026-02-18")]
    if apart:
        core.receive(at("2026-01-15 12:00", purchase()))
        core.receive(*[at("2026-01-16 12:00", each, first=10 + number) for number, each in enumerate(acts)])
    else:
        core.receive(at("2026-01-15 12:00", purchase(), *acts))
    assert core.counted() == {"applied": 2, "duplicate": 1, "rejected": 1, "parked": 0}
    _, extended, rejected = lifecycle(core)
    assert (extended["data"]["expires_on"], extended["data"]["actor"]) == ("2026-02-18", "operator")
    assert (extended["data"]["operator"], extended["data"]["reason"]) == (OPERATOR, REASON)
    assert (rejected["data"]["code"], rejected["data"]["order_id"]) == ("order_conflict", "x-1")
    assert rejected["data"]["actor"] == "operator"
    assert core.differences() == []


@pytest.mark.rule("R47", "R18")
@pytest.mark.parametrize("cut", [1, 2, 6])
def test_in_the_order_list_the_order_and_the_changes_of_its_term_end_later(core: Core, cut: int) -> None:
    core.begin()
    commands: list[InboundData] = [
        purchase(),
        change(SMALLER),
        extend(3, "2026-02-15"),
        renewal(),
        extend(1, "2026-03-18", "x-2"),
    ]
    for start in range(0, len(commands), cut):
        core.receive(at("2026-01-15 12:00", *commands[start : start + cut], first=start))
    first, second = when("2026-02-19 00:00"), when("2026-03-20 00:00")
    assert ends(core) == {"p-1": first, "c-1": first, "r-1": second}
    assert core.differences() == []


@pytest.mark.rule("R47")
def test_in_one_batch_an_account_is_extended_twice_and_others_with_it(core: Core) -> None:
    core.begin()
    others: list[InboundData] = [replace(purchase(f"p-{who}"), account_id=who) for who in ("a", "b")]
    acts = [extend(3, "2026-02-15"), extend(1, "2026-02-18", "x-2")]
    acts += [replace(extend(2, "2026-02-15", f"x-{who}"), account_id=who) for who in ("a", "b")]
    core.receive(at("2026-01-15 12:00", purchase(), *others), at("2026-01-15 12:05", *acts, first=10))
    assert ends(core) == {"p-1": when("2026-02-20 00:00")}
    assert ends(core, "a") | ends(core, "b") == dict.fromkeys(("p-a", "p-b"), when("2026-02-18 00:00"))
    assert core.differences() == []


@pytest.mark.rule("R47", "R46")
def test_an_order_that_is_taken_back_keeps_its_end_when_the_one_after_it_is_extended(core: Core) -> None:
    core.begin()
    acts: list[InboundData] = [renewal(), cancel(), renewal("r-2"), extend(5, "2026-03-15")]
    core.receive(at("2026-01-15 12:00", purchase(), *acts))
    assert ends(core)["r-1"] == when("2026-03-16 00:00")
    assert ends(core)["r-2"] == when("2026-03-21 00:00")
    core.receive(at("2026-01-16 12:00", cancel("r-2"), first=20))
    assert lifecycle(core)[-1]["data"]["anchor_day"] == 15
    assert core.differences() == []


@pytest.mark.rule("R47", "R32")
def test_in_grace_it_is_active_again_and_the_audit_is_clean(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", purchase()), Batch(when("2026-02-17 09:00"), ()))
    core.receive(at("2026-02-17 10:00", extend(1, "2026-02-15", "x-1"), extend(9, "2026-02-16", "x-2"), first=10))
    extended = [one["data"] for one in lifecycle(core) if "extended" in one["type"]]
    assert [each["reactivated"] for each in extended] == [False, True]
    state = orjson.loads(core.published("subscription-state")[-1])
    assert (state["state"], state["expires_on"], state["retained_until"]) == ("active", "2026-02-25", None)
    assert core.differences() == []
    core.receive(Batch(when("2026-03-10 00:00"), ()))
    assert kinds(core)[-2:] == ["release_due", "released"]
    assert core.differences() == []


@pytest.mark.rule("R47", "R40")
def test_an_extension_waits_for_the_purchase_of_its_account(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 12:00", extend(3, "2026-02-15")), at("2026-01-15 12:05", purchase(), first=10))
    assert kinds(core) == ["activated", "extended"]
