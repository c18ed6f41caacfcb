"""Stored positions move by compare-and-swap; the log has no gap, whoever appends to it."""

import asyncio
from collections import Counter
from collections.abc import Iterable

import pytest
from sqlalchemy import text

from shared.contracts.envelope import encode
from shared.outbox import log, progress
from shared.outbox.log import Entry
from shared.runtime.errors import Alarm, PositionConflict
from shared.storage import stored_positions
from shared.storage.database import Engine, transaction
from shared.storage.stored_positions import Move, Partition
from tests.integration.shared.environment import append, entry

FIRST, SECOND = Partition("purchases", 0), Partition("renewals", 1)


@pytest.fixture
async def begun(engine: Engine) -> Engine:
    async with transaction(engine) as connection:
        await stored_positions.begin(connection, {SECOND: 7, FIRST: 0})
    return engine


async def _stored(engine: Engine) -> dict[Partition, int]:
    async with transaction(engine) as connection:
        return await stored_positions.stored(connection)


async def test_a_known_partition_keeps_its_position_when_it_is_begun_again(begun: Engine) -> None:
    async with transaction(begun) as connection:
        await stored_positions.begin(connection, {FIRST: 3, SECOND: 0})
    assert await _stored(begun) == {FIRST: 0, SECOND: 7}


@pytest.mark.rule("G1")
async def test_one_position_that_another_copy_has_moved_is_a_conflict_for_the_whole_batch(begun: Engine) -> None:
    async with transaction(begun) as connection:
        await stored_positions.advance(connection, {FIRST: Move(0, 5)})
    with pytest.raises(PositionConflict, match="1 of 2"):
        async with transaction(begun) as connection:
            await stored_positions.advance(connection, {FIRST: Move(0, 9), SECOND: Move(7, 8)})
    assert await _stored(begun) == {FIRST: 5, SECOND: 7}


@pytest.mark.rule("G1")
async def test_of_two_copies_that_move_the_same_position_at_once_one_has_a_conflict(begun: Engine) -> None:
    async def move() -> None:
        async with transaction(begun) as connection:
            await stored_positions.advance(connection, {FIRST: Move(0, 5), SECOND: Move(7, 9)})

    outcomes = await asyncio.gather(move(), move(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes if outcome] == [PositionConflict]
    assert await _stored(begun) == {FIRST: 5, SECOND: 9}


async def _sequences(engine: Engine) -> dict[int, list[int]]:
    async with transaction(engine) as connection:
        rows = await connection.execute(text("SELECT partition, sequence FROM log ORDER BY partition, sequence"))
        found: dict[int, list[int]] = {}
        for partition, sequence in rows:
            found.setdefault(partition, []).append(sequence)
        return found


@pytest.mark.rule("G2")
async def test_two_concurrent_writers_leave_no_gap_even_where_one_rolls_back(engine: Engine) -> None:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {"out": 2})

    async def write(*, fail: bool) -> None:
        for number in range(30):
            entries = [entry("out", b"x", number % 2), entry("out", b"y", 1 - number % 2)]
            try:
                async with transaction(engine) as connection:
                    await log.append(connection, entries)
                    assert not (fail and number % 3 == 0)
            except AssertionError:
                continue

    await asyncio.gather(write(fail=False), write(fail=True))
    assert await _sequences(engine) == {0: list(range(1, 51)), 1: list(range(1, 51))}


@pytest.mark.rule("G2")
async def test_an_event_carries_the_sequence_under_which_it_is_stored(engine: Engine) -> None:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {"out": 1})
    event = encode({"id": "e-1", "source": "/s", "type": "t", "time": "2026-01-01T00:00:00Z", "subject": "a"}, b"{}")
    await append(engine, *(Entry(topic="out", partition=0, key=None, value=event) for _ in range(2)))
    async with transaction(engine) as connection:
        values = [row[0] for row in await connection.execute(text("SELECT value FROM log ORDER BY sequence"))]
    assert [b'"sequence":%d' % number in value for number, value in enumerate(values, 1)] == [True, True]


async def test_the_partitions_that_are_behind_share_what_is_read_at_once_and_each_has_at_least_one_entry(
    engine: Engine,
) -> None:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {"out": 8})
    behind = (0, 3, 5)
    await append(engine, *(entry("out", b"ten bytes.", partition) for partition in behind for _ in range(9)))

    async def read(partitions: Iterable[int], at_most: int, bytes_at_most: int = 1_000_000) -> Counter[int]:
        after = {Partition("out", partition): 0 for partition in partitions}
        async with transaction(engine) as connection:
            found = await progress.next_entries(connection, after, at_most=at_most, bytes_at_most=bytes_at_most)
        return Counter(partition for _, partition, *_ in found)

    assert await read(range(8), 9) == {0: 3, 3: 3, 5: 3}
    assert await read((3, 7), 9) == {3: 9}
    assert await read(range(8), 2) == {0: 1, 3: 1, 5: 1}
    assert await read(range(8), 100, bytes_at_most=60) == {0: 2, 3: 2, 5: 2}
    assert await read(range(8), 100, bytes_at_most=2) == {0: 1, 3: 1, 5: 1}


async def test_a_number_of_partitions_that_differs_from_the_first_start_is_an_alarm(engine: Engine) -> None:
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {"out": 2})
    async with transaction(engine) as connection:
        await log.fix_partitions(connection, {"out": 2})
        with pytest.raises(Alarm, match="out has 3 partitions, but had 2"):
            await log.fix_partitions(connection, {"out": 3})
