"""A batch in parts: a large record is one by itself, after what other partitions have, and every partition in order."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kafka.parts import LARGE_BYTES, in_parts
from shared.kafka.record import DecodedRecord
from tests.kit.records import kafka_record

SMALL, LARGE = LARGE_BYTES, LARGE_BYTES + 1


def batch(*sizes: tuple[int, int]) -> list[DecodedRecord]:
    """Records of (partition, bytes of the value), with rising offsets."""
    return [
        DecodedRecord(kafka_record("purchases", b"v" * size, partition=partition, offset=offset), None)
        for offset, (partition, size) in enumerate(sizes)
    ]


def offsets(decoded: Sequence[DecodedRecord]) -> list[list[int]]:
    return [[each.record.offset for each in part] for part in in_parts(decoded)]


def test_without_a_large_record_a_batch_is_one_part() -> None:
    assert offsets(batch((0, SMALL), (1, 1), (0, 0))) == [[0, 1, 2]]
    assert offsets([]) == []


@pytest.mark.rule("G5")
def test_what_other_partitions_have_comes_before_a_large_record_and_between_two_of_them() -> None:
    assert offsets(batch((0, LARGE), (0, LARGE), (1, 1))) == [[2], [0], [1]]
    assert offsets(batch((0, LARGE), (0, 1), (1, LARGE), (0, LARGE), (1, 1))) == [[0], [1], [2], [4], [3]]


def test_a_record_without_a_value_is_small() -> None:
    record = kafka_record("purchases", None)
    assert list(in_parts([DecodedRecord(record, None)])) == [[DecodedRecord(record, None)]]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, LARGE])), max_size=30))
def test_nothing_is_left_out_and_every_partition_stays_in_order(sizes: list[tuple[int, int]]) -> None:
    decoded, seen = batch(*sizes), defaultdict(list)
    for part in in_parts(decoded):
        large = [each for each in part if len(each.record.value or b"") > LARGE_BYTES]
        assert not large or len(part) == 1
        for each in part:
            seen[each.record.partition].append(each.record.offset)
    assert sum(map(len, seen.values())) == len(decoded)
    assert all(found == sorted(found) for found in seen.values())
