"""When partial mode begins, servers are bound that are in the database, though no event of the batch names them (R16,
R37).
"""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from shared.contracts.inbound import InboundData
from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event as dated
from tests.kit.events import PARTIAL, START, account, event, purchase, unused
from tests.unit.domain import scenario
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import snapshot, when

FIVE_SERVERS: Final = PARTIAL | {"protection_mode": "full", "protected_servers": 5}
SECOND: Final = timedelta(seconds=1)


def with_three_servers(core: Core, specification: dict[str, Any]) -> str:
    """A customer who has registered three servers."""
    who = account()
    core.begin()
    core.receive(Batch(START, [record(PURCHASES, purchase(who, specification=specification))]))
    servers = [
        event("server.registered", START + number * SECOND, account_id=who, server_id=f"s-{number}", cores=1)
        for number in range(3)
    ]
    core.receive(Batch(START + 3 * SECOND, [record(SERVER_INVENTORY, one) for one in servers]))
    return who


def change(who: str, at: datetime, kind: str, specification: dict[str, Any], **more: Any) -> tuple[str, bytes]:
    order = {"order_id": unused("ord"), "terms_accepted": True, "specification": specification, **more}
    return record(RENEWALS, event(kind, at, account_id=who, **order))


def bound(core: Core) -> list[bool]:
    """Of each server, in the order of their registration."""
    return [row.split(",")[4] == "t" for row in core.stored()["server"]]


@pytest.mark.rule("R16", "R19")
def test_a_change_at_once_binds_the_servers_that_came_first(core: Core) -> None:
    who = with_three_servers(core, FIVE_SERVERS)
    at = START + timedelta(days=1)
    core.receive(Batch(at, [change(who, at, "specification.change_ordered", PARTIAL)]))
    assert bound(core) == [True, True, False]
    assert core.differences() == []


@pytest.mark.rule("R16")
def test_a_change_within_partial_mode_leaves_the_bindings_alone(core: Core) -> None:
    who = with_three_servers(core, PARTIAL)
    at = START + timedelta(days=1)
    core.receive(Batch(at, [record(SERVER_INVENTORY, event("server.bound", at, account_id=who, server_id="s-2"))]))
    core.receive(Batch(at, [change(who, at, "specification.change_ordered", PARTIAL | {"protected_servers": 4})]))
    assert bound(core) == [False, False, True]
    assert core.differences() == []


@pytest.mark.rule("R16")
def test_a_change_in_grace_binds_them_too(core: Core) -> None:
    who = with_three_servers(core, FIVE_SERVERS)
    in_grace = datetime.fromisoformat("2026-02-06T12:00:00+00:00")
    core.receive(Batch(in_grace - timedelta(days=0.5), ()))
    core.receive(Batch(in_grace, [change(who, in_grace, "renewal.change_ordered", PARTIAL, duration_months=1)]))
    assert bound(core) == [True, True, False]
    assert core.differences() == []


BOUGHT: Final = scenario.specification(mode="partial")
STATED: Final = snapshot({"s-0": (1, True), "s-1": (1, False), "s-2": (1, True)})
NOON: Final = when("2026-01-20 12:00")


def one(number: int, at: str, command: InboundData) -> Batch:
    return Batch(NOON, [record(*dated(number, when(at), command))])


@pytest.mark.rule("R37", "R44")
@pytest.mark.parametrize(
    ("stated_at", "begins"),
    [
        ("2026-01-20 08:00", import_of(imported_term(bought=BOUGHT))),
        ("2026-01-20 11:00", scenario.purchase(specification=BOUGHT)),
    ],
    ids=["an older snapshot and an import", "a newer snapshot and a purchase"],
)
def test_what_a_snapshot_has_stated_is_bound_whichever_comes_first(
    core: Core, stated_at: str, begins: InboundData
) -> None:
    both = one(1, stated_at, STATED), one(2, "2026-01-20 10:00", begins)
    for first, second in (both, reversed(both)):
        core.begin()
        core.receive(first)
        assert bound(core) in ([], [False] * 3)
        assert core.differences() == []
        core.receive(second)
        assert bound(core) == [True, False, True]
        assert core.differences() == []


@pytest.mark.rule("R9", "R37")
def test_servers_are_read_for_a_purchase_only_where_a_snapshot_counts_for_it(core: Core) -> None:
    read = {}
    for stated_at in ("2026-01-20 09:00", "2026-01-20 11:00"):
        core.begin()
        core.receive(one(1, stated_at, STATED))
        bought = one(2, "2026-01-20 10:00", scenario.purchase(specification=BOUGHT))
        read[stated_at] = core.rows_read(bought)["server"]
    assert (read["2026-01-20 09:00"], read["2026-01-20 11:00"] >= 3) == (0, True)
