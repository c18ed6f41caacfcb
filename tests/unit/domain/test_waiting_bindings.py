"""What a snapshot states of bindings before partial mode begins waits for it, so no order of arrival loses it (R37)."""

from collections.abc import Sequence
from itertools import permutations
from typing import Final

import pytest

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, QuotaExceeded
from shared.contracts.lifecycle_acts import Imported
from subscription_service.domain.inventory import may_need_all_servers
from subscription_service.domain.model import Account, ServerTotals
from subscription_service.domain.overview import overview
from tests.kit.cases import cases
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    bound,
    change,
    purchase,
    registered,
    released,
    renewal_with,
    snapshot,
    specification,
    unbound,
    when,
)

PARTIAL: Final = specification(mode="partial", servers=2, cores=50)
FULL: Final = specification(servers=9, cores=50)
NOW: Final = when("2026-01-20 12:00")
STATED: Final = snapshot({"a": (4, True), "b": (4, False)})
ONE: Final = ServerTotals(1, 4)
IMPORT: Final = import_of(imported_term(bought=PARTIAL))
Dated = tuple[str, InboundData]
BOUGHT_FULL: Final[Dated] = ("08:00", purchase(specification=FULL))


def arrived(events: Sequence[Dated], *before: Dated) -> Scenario:
    """A scenario in which these events of 20 January were read in this order, all at noon."""
    scenario = Scenario()
    for hour, command in (*before, *events):
        scenario.receive(when(f"2026-01-20 {hour}"), command, now=NOW)
    return scenario


@pytest.mark.rule("R16", "R37", "R44")
@cases(
    ("before", "events", "expected"),
    [
        ([], [("09:00", STATED), ("10:00", IMPORT)], ONE),
        ([], [("11:00", STATED), ("10:00", IMPORT)], ONE),
        ([], [("11:00", STATED), ("10:00", purchase(specification=PARTIAL))], ONE),
        ([], [("10:00", STATED), ("10:00", purchase(specification=PARTIAL))], ONE),
        ([], [("11:00", STATED), ("10:00", purchase(specification=PARTIAL)), ("11:30", released("a"))], ServerTotals()),
        (
            [BOUGHT_FULL, ("09:00", registered("a")), ("09:00", registered("b"))],
            [("11:00", STATED), ("10:00", change(PARTIAL))],
            ONE,
        ),
        (
            [BOUGHT_FULL],
            [("11:00", STATED), ("10:00", renewal_with(PARTIAL))],
            ServerTotals(),
        ),
        (
            [BOUGHT_FULL, ("09:00", registered("a"))],
            [("11:00", released("a")), ("11:30", registered("a")), ("10:00", change(PARTIAL))],
            ServerTotals(),
        ),
        (
            [BOUGHT_FULL],
            [("09:00", STATED), ("08:30", snapshot({"c": (1, True)}))],
            ServerTotals(),
        ),
    ],
)
def test_whatever_arrives_first_the_same_is_bound(
    before: Sequence[Dated], events: Sequence[Dated], expected: ServerTotals
) -> None:
    assert {arrived(order, *before).account.bound for order in permutations(events)} == {expected}


@pytest.mark.rule("R36", "R37")
def test_while_it_waits_nothing_is_bound_and_servers_come_and_go() -> None:
    scenario = arrived([("09:00", STATED), ("09:10", registered("c")), ("09:20", released("c"))])
    for command in (purchase(specification=FULL), bound("b"), unbound("a")):
        scenario.receive(when("2026-01-20 11:00"), command, now=NOW)
        shown = overview(scenario.account, revision=1, as_of=NOW, rules=RULES)
        assert (shown.bound.servers, shown.registered.servers) == (0, 2)
        assert not any(server.bound for server in scenario.account.servers.values())


@pytest.mark.rule("R33", "R37")
def test_more_than_was_bought_takes_effect_and_is_told() -> None:
    many = snapshot(dict.fromkeys("abc", (4, True)))
    scenario = arrived([("11:00", many), ("10:00", purchase(specification=PARTIAL))])
    assert [type(event) for _, event in scenario.log] == [Activated, QuotaExceeded]
    assert scenario.account.bound == ServerTotals(3, 12)


@pytest.mark.rule("R33", "R44")
def test_an_import_states_that_more_is_bound_than_was_bought_and_no_event_follows() -> None:
    many = snapshot(dict.fromkeys("abc", (4, True)))
    scenario = arrived([("09:00", many), ("10:00", IMPORT)])
    assert [type(event) for _, event in scenario.log] == [Imported]
    assert scenario.only(Imported).quota_exceeded
    assert scenario.active.quota_exceeded


@pytest.mark.rule("R16", "R37")
def test_a_switch_overrules_what_was_stated_before_it() -> None:
    scenario = arrived([("09:00", STATED), ("10:00", change(PARTIAL))], BOUGHT_FULL)
    assert scenario.account.bound == ServerTotals(2, 8)
    assert not any(server.binding_waits for server in scenario.account.servers.values())


@pytest.mark.rule("R9", "R35", "R37")
def test_a_release_ends_what_waits_and_a_later_statement_waits_for_the_next_purchase() -> None:
    scenario = arrived([("09:00", STATED)], BOUGHT_FULL)
    scenario.advance_to("2026-03-01 00:00")
    assert scenario.is_released
    assert not any(server.binding_waits for server in scenario.account.servers.values())
    later = when("2026-03-02 12:00")
    scenario.receive("2026-03-02 11:00", STATED, now=later)
    assert scenario.account.bound == ServerTotals()
    scenario.receive("2026-03-02 10:00", purchase("p-2", specification=PARTIAL), now=later)
    assert scenario.account.bound == ONE


@pytest.mark.rule("R9", "R16", "R44")
@cases(
    ("command", "needed"),
    [
        (purchase(specification=PARTIAL), True),
        (purchase(specification=FULL), False),
        (IMPORT, True),
        (import_of(), False),
        (registered("a"), False),
    ],
)
def test_all_servers_are_needed_where_what_waits_may_take_effect(command: InboundData, needed: bool) -> None:
    time = when("2026-01-20 10:00")
    assert may_need_all_servers(arrived([("10:00", STATED)]).account, command, time) is needed
    assert not may_need_all_servers(Account("acme"), command, time)
    older = may_need_all_servers(arrived([("09:59:59", STATED)]).account, command, time)
    assert older is (needed and command is IMPORT)
