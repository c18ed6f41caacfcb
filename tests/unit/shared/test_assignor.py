"""How a consumer group divides the partitions of several topics among its copies."""

from typing import Final

import pytest

from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY
from shared.kafka.assignor import SamePartitionsAssignor

TOPICS: Final = (PURCHASES, RENEWALS, SERVER_INVENTORY)
PARTITIONS: Final = 6


class Cluster:
    """What aiokafka knows of the broker's topics."""

    def partitions_for_topic(self, _: str) -> set[int]:
        return set(range(PARTITIONS))


@pytest.mark.parametrize("copies", [1, 2, 4, 6, 7])
def test_a_copy_gets_the_same_partitions_of_every_topic(copies: int) -> None:
    shares = divided(dict.fromkeys([f"copy-{number}" for number in range(copies)], TOPICS))
    assert all(share in ({}, dict.fromkeys(TOPICS, share.get(PURCHASES))) for share in shares.values())
    assert sorted(number for share in shares.values() for number in share.get(PURCHASES, ())) == list(range(PARTITIONS))


def test_no_copy_has_two_partitions_more_than_another() -> None:
    shares = divided(dict.fromkeys(["one", "two", "three", "four"], TOPICS))
    assert sorted(len(share[PURCHASES]) for share in shares.values()) == [1, 1, 2, 2]


def test_a_copy_gets_nothing_of_a_topic_that_it_does_not_read() -> None:
    shares = divided({"older": (PURCHASES,), "newer": (PURCHASES, RENEWALS)})
    assert shares["older"] == {PURCHASES: [1, 3, 5]}
    assert shares["newer"] == {PURCHASES: [0, 2, 4], RENEWALS: list(range(PARTITIONS))}


def divided(members: dict[str, tuple[str, ...]]) -> dict[str, dict[str, list[int]]]:
    """Copy -> topic -> partitions. `members`: copy -> the topics that it reads."""
    subscriptions = {name: SamePartitionsAssignor.metadata(topics) for name, topics in members.items()}
    assigned = SamePartitionsAssignor.assign(Cluster(), subscriptions)
    return {name: dict(own.assignment) for name, own in assigned.items()}
