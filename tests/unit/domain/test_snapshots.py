"""Snapshots: servers that are gone are forgotten, and the snapshot's time stands for them (R37)."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from shared.contracts.inbound import InboundData
from shared.contracts.inventory import InventorySnapshot
from subscription_service.domain.model import ServerTotals
from tests.kit.examples import examples
from tests.unit.domain.scenario import (
    bound,
    registered,
    released,
    resized,
    snapshot,
    started,
    unbound,
)
from tests.unit.domain.test_inventory import partial_account, taken


@pytest.mark.rule("R37")
def test_a_snapshot_forgets_the_servers_that_are_gone_and_remembers_its_time_for_them() -> None:
    account = taken(partial_account(), registered("s-1", 4), 1)
    account = taken(taken(account, registered("s-2", 2), 2), released("s-3"), 12)
    account = taken(account, snapshot({"s-9": (1, True)}), 10)
    assert account.servers.keys() == {"s-3", "s-9"}
    assert taken(account, registered("s-1", 4), 9).registered == ServerTotals(1, 1)
    assert taken(account, bound("s-1"), 9).bound == ServerTotals(1, 1)
    assert taken(account, registered("s-3", 4), 11).registered == ServerTotals(1, 1)
    assert taken(account, registered("s-1", 4), 11).registered == ServerTotals(2, 5)


INVENTORY_OF_A_FEW = st.lists(
    st.tuples(
        st.integers(1, 40),
        st.one_of(
            st.builds(registered, st.sampled_from("abcd"), st.integers(1, 4)),
            st.builds(resized, st.sampled_from("abcd"), st.integers(1, 4)),
            *(st.builds(each, st.sampled_from("abcd")) for each in (released, bound, unbound)),
            st.builds(
                snapshot,
                st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 4), st.booleans()), max_size=2),
            ),
        ),
    ),
    max_size=16,
    unique_by=lambda each: each[0],
)


@pytest.mark.rule("R37")
@given(commands=INVENTORY_OF_A_FEW, partial=st.booleans())
@settings(max_examples=examples(400), deadline=None)
def test_rows_of_gone_servers_that_are_not_loaded_or_were_deleted_make_no_difference(
    commands: list[tuple[int, InboundData]], partial: bool
) -> None:
    """In storage, rows lie that a snapshot does not load, and only some of the old ones are deleted."""
    whole = loaded = partial_account() if partial else started("2026-01-15 09:00").account
    for second, command in commands:
        whole = taken(whole, command, second)
        stored = loaded.servers
        names = {each.server_id for each in getattr(command, "servers", ())} | {getattr(command, "server_id", "")}
        rows = {
            each: server
            for each, server in stored.items()
            if each in names or (isinstance(command, InventorySnapshot) and (server.present or server.bound))
        }
        after = taken(structs.replace(loaded, servers=rows), command, second)
        kept = {each: server for each, server in stored.items() if each not in rows}
        loaded = structs.replace(after, servers={**kept, **after.servers})
        assert (loaded.registered, loaded.bound) == (whole.registered, whole.bound)
    for number, server_id in enumerate("abcd" * 3):  # what any of these servers would come to, from now on
        for make in (registered, bound):
            command = make(server_id)
            one, other = (taken(each, command, 4 * number) for each in (whole, loaded))
            assert (one.registered, one.bound) == (other.registered, other.bound)


@pytest.mark.rule("R37")
@given(commands=INVENTORY_OF_A_FEW, shuffled=st.randoms(use_true_random=False))
@settings(max_examples=examples(300), deadline=None)
def test_any_order_of_arrival_of_snapshots_and_single_events_ends_the_same(
    commands: list[tuple[int, InboundData]], shuffled: random.Random
) -> None:
    other = list(commands)
    shuffled.shuffle(other)
    one_way, other_way = partial_account(), partial_account()
    for second, command in commands:
        one_way = taken(one_way, command, second)
    for second, command in other:
        other_way = taken(other_way, command, second)
    assert (one_way.registered, one_way.bound) == (other_way.registered, other_way.bound)
