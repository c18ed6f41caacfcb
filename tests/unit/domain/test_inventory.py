"""Registers: any order of arrival ends the same (R37), before and after a purchase (R38)."""

from datetime import timedelta
from itertools import permutations

import pytest
from msgspec import structs

from shared.contracts.inbound import InboundData
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.model import Account, Server, ServerTotals, VersionStamp
from subscription_service.domain.step import step
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    ACCOUNT,
    RULES,
    Scenario,
    bound,
    change,
    credit,
    day,
    purchase,
    recorded,
    registered,
    released,
    removed,
    resized,
    snapshot,
    specification,
    started,
    unbound,
    used,
    when,
)

START = when("2026-02-01 09:00")
PARTIAL = specification(mode="partial")


def taken(account: Account, command: InboundData, second: int, source: str = "assets") -> Account:
    """`command`, sent at that second, taken in at a fixed instant."""
    time = START + timedelta(seconds=second)
    decision_time = DecisionTime(at=START, now=START + timedelta(hours=1))
    after, _ = step(account, command, time=decision_time, stamp=VersionStamp(time, source, f"e-{second}"), rules=RULES)
    return after


def partial_account() -> Account:
    return started("2026-01-15 09:00", specification=specification(mode="partial", servers=99, cores=999)).account


def all_orders(
    account: Account, commands: list[tuple[int, InboundData]]
) -> set[tuple[ServerTotals, ServerTotals, bool, int, bool]]:
    """How each order of arrival ends for `s-1`, with the counters."""
    ends = set()
    for order in permutations(commands):
        after = account
        for second, command in order:
            after = taken(after, command, second)
        server = after.servers.get("s-1") or Server("s-1")
        ends.add((after.registered, after.bound, server.present, server.cores, server.bound))
    return ends


@pytest.mark.rule("R37")
@cases(
    ("commands", "expected_registered", "expected_bound"),
    [
        (
            [(1, registered("s-1", 4)), (2, resized("s-1", 8)), (3, bound("s-1"))],
            ServerTotals(1, 8),
            ServerTotals(1, 8),
        ),
        ([(1, registered("s-1", 4)), (2, bound("s-1")), (3, released("s-1"))], ServerTotals(), ServerTotals()),
        ([(1, bound("s-1")), (2, released("s-1")), (3, registered("s-1", 2))], ServerTotals(1, 2), ServerTotals()),
        ([(1, released("s-1")), (2, bound("s-1")), (3, registered("s-1", 2))], ServerTotals(1, 2), ServerTotals(1, 2)),
        (
            [(1, registered("s-1", 4)), (2, snapshot({"s-2": (1, True)})), (3, bound("s-1"))],
            ServerTotals(1, 1),
            ServerTotals(1, 1),
        ),
        (
            [(1, bound("s-1")), (2, snapshot({"s-1": (6, False)})), (3, resized("s-1", 7))],
            ServerTotals(1, 7),
            ServerTotals(),
        ),
        ([(1, bound("s-1")), (2, snapshot({})), (3, registered("s-1", 2))], ServerTotals(1, 2), ServerTotals()),
        (
            [(1, snapshot({"s-1": (6, True)})), (2, snapshot({"s-1": (5, True)})), (3, unbound("s-1"))],
            ServerTotals(1, 5),
            ServerTotals(),
        ),
    ],
)
def test_every_order_of_arrival_ends_the_same(
    commands: list[tuple[int, InboundData]], expected_registered: ServerTotals, expected_bound: ServerTotals
) -> None:
    ends = all_orders(partial_account(), commands)
    assert {(end[0], end[1]) for end in ends} == {(expected_registered, expected_bound)}
    assert len(ends) == 1


@pytest.mark.rule("R37")
def test_a_resize_before_the_registration_waits_in_its_register() -> None:
    after = taken(partial_account(), resized("s-1", 16), 5)
    assert after.registered == ServerTotals()
    assert taken(after, registered("s-1", 4), 1).registered == ServerTotals(1, 16)


@pytest.mark.rule("R36", "R37")
def test_a_binding_before_the_registration_waits_in_its_register() -> None:
    after = taken(partial_account(), bound("s-1"), 5)
    assert after.bound == ServerTotals()
    assert taken(after, registered("s-1", 4), 6).bound == ServerTotals(1, 4)


@pytest.mark.rule("R37")
def test_ties_are_won_by_the_greater_source_and_then_the_greater_id() -> None:
    account = partial_account()
    time = START + timedelta(seconds=1)
    decision_time = DecisionTime(at=START, now=START)
    marks = [(VersionStamp(time, "b", "1"), 2), (VersionStamp(time, "a", "9"), 3), (VersionStamp(time, "b", "2"), 4)]
    for order in permutations(marks):
        after = account
        for stamp, cores in order:
            after, _ = step(after, registered("s-1", cores), time=decision_time, stamp=stamp, rules=RULES)
        assert after.registered == ServerTotals(1, 4)


@pytest.mark.rule("R37")
def test_a_snapshot_speaks_also_of_the_servers_that_it_does_not_name() -> None:
    account = partial_account()
    for number in range(3):
        account = taken(account, registered(f"s-{number}", 4), number)
    account = taken(account, snapshot({"s-0": (8, True), "s-9": (1, False)}), 10)
    assert (account.registered, account.bound) == (ServerTotals(2, 9), ServerTotals(1, 8))
    assert "s-1" not in account.servers


@pytest.mark.rule("R37")
def test_what_is_newer_than_a_snapshot_stays() -> None:
    account = taken(taken(partial_account(), registered("s-1", 4), 20), bound("s-1"), 20)
    account = taken(account, snapshot({}), 10)
    assert (account.registered, account.bound) == (ServerTotals(1, 4), ServerTotals(1, 4))


@pytest.mark.rule("R37")
def test_what_is_older_than_a_snapshot_changes_nothing_even_for_a_server_without_a_row() -> None:
    account = taken(partial_account(), snapshot({"s-1": (4, False)}), 10)
    for second, command in ((9, registered("s-2")), (9, bound("s-1")), (9, snapshot({})), (9, resized("s-1", 64))):
        assert taken(account, command, second) is account


@pytest.mark.rule("R37")
def test_the_second_a_register_was_set_decides_and_not_the_order_of_reading() -> None:
    account = taken(partial_account(), registered("s-1", 4), 10)
    assert taken(account, released("s-1"), 9).registered == ServerTotals(1, 4)
    assert taken(account, released("s-1"), 11).registered == ServerTotals()


@pytest.mark.rule("R38")
def test_facts_before_any_purchase_apply_at_once_and_without_a_word() -> None:
    scenario = Scenario()
    emitted = scenario.receive("2026-01-10 09:00", registered("s-1"), credit("5.00"), used(30), recorded("a"))
    assert emitted == []
    assert (scenario.account.registered, str(scenario.account.balance)) == (ServerTotals(1, 4), "5.00")
    assert scenario.account.decided_at is None


@pytest.mark.rule("R4", "R37")
def test_facts_alone_do_not_move_the_last_decided_instant() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-20 09:00", registered("s-1"), credit("5.00"), recorded("a"), used(1))
    assert scenario.account.decided_at == when("2026-01-15 09:00")


@pytest.mark.rule("R37")
def test_capacity_and_configuration_are_newest_per_key() -> None:
    account = Account(account_id=ACCOUNT)
    account = taken(account, used(30), 10)
    assert taken(account, used(99), 9) is account
    account = taken(account, recorded("a", value="new"), 10)
    assert taken(account, removed("a"), 9) is account
    assert taken(account, recorded("a", value="old"), 9) is account
    assert dict(account.retained) == {"tag": 1}
    account = taken(account, removed("a"), 11)
    assert dict(account.retained) == {"tag": 0}
    assert taken(account, recorded("a"), 10) is account
    assert dict(taken(account, recorded("a"), 12).retained) == {"tag": 1}


@pytest.mark.rule("R37")
def test_the_same_key_of_another_kind_is_another_entry() -> None:
    account = taken(Account(account_id=ACCOUNT), recorded("a"), 1)
    account = taken(account, recorded("a", "quarantined_file"), 2)
    assert dict(account.retained) == {"tag": 1, "quarantined_file": 1}


@pytest.mark.rule("R37")
def test_one_touched_row_moves_the_counters_by_its_difference() -> None:
    # The store loads only what is touched: the other nine servers stand in the counters alone.
    account = structs.replace(partial_account(), registered=ServerTotals(9, 36), bound=ServerTotals(2, 8))
    account = taken(account, registered("s-1", 4), 1)
    account = taken(account, bound("s-1"), 2)
    assert (account.registered, account.bound) == (ServerTotals(10, 40), ServerTotals(3, 12))
    account = taken(account, released("s-1"), 3)
    assert (account.registered, account.bound) == (ServerTotals(9, 36), ServerTotals(2, 8))


@pytest.mark.rule("R37")
def test_a_release_before_the_purchase_wins_over_an_older_binding_that_waited_for_it() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", registered("s-1"))
    scenario.receive("2026-01-10 09:03", released("s-1"))
    scenario.receive("2026-01-10 09:04", registered("s-1"))
    scenario.receive("2026-01-10 09:05", purchase(specification=PARTIAL))
    scenario.receive("2026-01-10 09:02", bound("s-1"), now=when("2026-01-10 09:05"))
    assert (scenario.account.registered, scenario.account.bound) == (ServerTotals(1, 4), ServerTotals())


@pytest.mark.rule("R16", "R37")
@pytest.mark.parametrize("older", [unbound("s-1"), snapshot({"s-1": (4, False)})], ids=["unbound", "snapshot"])
def test_what_was_said_before_the_switch_to_partial_mode_takes_no_binding_away(older: InboundData) -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", registered("s-1"))
    scenario.receive("2026-01-20 09:00:00", change(PARTIAL))
    scenario.receive("2026-01-20 08:59:59", older, now=when("2026-01-20 09:00:05"))
    assert scenario.account.bound == ServerTotals(1, 4)
    scenario.receive("2026-01-20 09:00:00", unbound("s-1"), now=when("2026-01-20 09:00:05"))
    assert scenario.account.bound == ServerTotals()


@pytest.mark.rule("R9", "R35", "R37")
def test_a_binding_from_before_the_release_binds_nothing_in_the_next_subscription() -> None:
    scenario = started("2026-01-15 09:00", specification=PARTIAL)
    scenario.receive("2026-01-16 09:00", registered("s-1"))
    scenario.advance_to("2026-02-23 00:00")
    scenario.receive("2026-03-01 09:00", purchase("p-2", specification=PARTIAL))
    scenario.receive("2026-02-22 23:59:59", bound("s-1"), now=when("2026-03-01 10:00"))
    assert scenario.account.bound == ServerTotals()
    scenario.receive("2026-03-01 10:00", bound("s-1"))
    assert scenario.account.bound == ServerTotals(1, 4)


@pytest.mark.rule("R9", "R38")
def test_the_inventory_of_before_counts_for_a_purchase() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", snapshot({"s-1": (4, True), "s-2": (4, True)}))
    scenario.receive("2026-01-15 09:00", purchase(specification=specification(mode="partial")))
    assert (scenario.account.registered, scenario.account.bound) == (ServerTotals(2, 8), ServerTotals())
    assert scenario.active.terms[0].expires_on == day("2026-02-15")
