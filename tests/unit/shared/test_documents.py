"""Documents are published in the places of their changes: the latest of each, the last one always, never backwards."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.contracts.topics import LIFECYCLE, STATE
from shared.outbox.documents import Document, DocumentsInPlace, documents_changed
from shared.outbox.log import pack
from shared.storage.stored_positions import Partition


class Latest:
    """Documents whose latest revisions a test sets; `asked`: for which keys and revisions, call by call."""

    def __init__(self, **revisions: int) -> None:
        self.revisions = revisions
        self.asked: list[Mapping[str, int]] = []
        self.forgotten = 0

    def forget(self) -> None:
        """Nothing is kept."""
        self.forgotten += 1

    async def latest(self, changed: Mapping[str, int]) -> Mapping[str, Document]:
        self.asked.append(changed)
        known = {key: self.revisions[key] for key in changed if key in self.revisions}
        return {key: Document(revision, b"%s %d" % (key.encode(), revision)) for key, revision in known.items()}


def changed(last: int, *changes: tuple[str, int]) -> tuple[Any, ...]:
    """An entry of changes (key, revision) as the log gives it; `last`: the sequence of the last one."""
    [entry] = documents_changed(STATE, ((0, *change) for change in changes))
    return entry.topic, entry.partition, last, entry.key, entry.value, pack(entry.headers)


async def filled(in_place: DocumentsInPlace, *entries: tuple[Any, ...]) -> list[tuple[int, bytes]]:
    """Sequence and value of each record that is published."""
    return [(entry[2], entry[4]) for entry in await in_place.fill(entries)]


def test_the_changes_of_a_transaction_are_one_entry_for_each_partition_which_takes_a_sequence_for_each() -> None:
    entries = list(documents_changed(STATE, [(1, "a", 7), (0, "b", 1), (1, "c", 2)]))
    assert [(each.partition, each.headers, each.sequences) for each in entries] == [
        (0, (("b", b"1"),), 1),
        (1, (("a", b"7"), ("c", b"2")), 2),
    ]


@pytest.mark.rule("G2")
async def test_each_change_of_an_entry_has_a_place_of_its_own() -> None:
    in_place = DocumentsInPlace({STATE: Latest(a=1, b=1, c=1)})
    assert await filled(in_place, changed(9, ("a", 1), ("b", 1), ("c", 1))) == [(7, b"a 1"), (8, b"b 1"), (9, b"c 1")]


@pytest.mark.rule("G2")
async def test_what_was_published_of_an_entry_is_not_published_again() -> None:
    """The rest of the entry was passed over, and the leader failed before it stored that."""
    in_place = DocumentsInPlace({STATE: Latest(a=1, b=1)})
    entries = [changed(9, ("a", 1), ("b", 1), ("gone", 1))]
    assert await in_place.fill(entries, after={Partition(STATE, 0): 8}) == []
    assert [
        entry[2] for entry in await in_place.fill(entries, after={Partition(STATE, 0): 7, Partition(STATE, 1): 9})
    ] == [8]


@pytest.mark.rule("G2")
async def test_a_change_of_an_older_version_is_an_entry_with_a_key() -> None:
    in_place = DocumentsInPlace({STATE: Latest(a=2)})
    of_an_older_version = (STATE, 0, 5, b"a", None, pack((("revision", b"2"),)))
    assert await in_place.fill([of_an_older_version]) == [(STATE, 0, 5, b"a", b"a 2", None)]


@pytest.mark.rule("G2")
async def test_of_too_many_published_ahead_the_oldest_is_published_once_more_and_not_from_older_memory() -> None:
    latest = Latest(a=2, b=2, c=2)
    in_place = DocumentsInPlace({STATE: latest}, remembers=2)
    assert await filled(in_place, changed(2, ("a", 1), ("b", 1))) == [(1, b"a 2"), (2, b"b 2")]
    assert latest.forgotten == 1  # for the new producer
    assert await filled(in_place, changed(3, ("c", 1))) == [(3, b"c 2")]
    assert latest.forgotten == 2
    assert await filled(in_place, changed(6, ("a", 2), ("b", 2), ("c", 2))) == [(4, b"a 2")]


@pytest.mark.rule("G2")
async def test_of_several_changes_one_document_is_published_in_the_place_of_the_last_one() -> None:
    latest = Latest(a=3, b=1)
    entries = (changed(1, ("a", 1)), changed(2, ("b", 1)), changed(3, ("a", 2)), changed(4, ("a", 3)))
    assert await filled(DocumentsInPlace({STATE: latest}), *entries) == [(2, b"b 1"), (4, b"a 3")]
    assert latest.asked == [{"a": 3, "b": 1}]


@pytest.mark.rule("G2")
async def test_a_document_that_was_published_ahead_of_its_change_is_neither_published_again_nor_an_older_one() -> None:
    latest = Latest(a=4)
    in_place = DocumentsInPlace({STATE: latest})
    assert await filled(in_place, changed(1, ("a", 2))) == [(1, b"a 4")]
    latest.revisions["a"] = 3  # a slower source knows less; what was published stays the limit
    assert await filled(in_place, changed(2, ("a", 3))) == []
    latest.revisions["a"] = 4
    assert await filled(in_place, changed(3, ("a", 4))) == []
    latest.revisions["a"] = 5
    assert await filled(in_place, changed(4, ("a", 5))) == [(4, b"a 5")]
    assert latest.asked == [{"a": 2}, {"a": 5}]


@pytest.mark.rule("G2")
async def test_the_successor_of_a_producer_that_failed_publishes_the_last_one_again() -> None:
    latest = Latest(a=2)
    await DocumentsInPlace({STATE: latest}).fill([changed(1, ("a", 1))])
    assert await filled(DocumentsInPlace({STATE: latest}), changed(1, ("a", 1)), changed(2, ("a", 2))) == [(2, b"a 2")]


async def test_what_has_a_value_is_published_as_it_is() -> None:
    of_an_older_version = (STATE, 0, 1, b"a", b"whole", None)
    lifecycle = (LIFECYCLE, 0, 1, b"a", None, b'[["x","y"]]')
    in_place = DocumentsInPlace({STATE: Latest(a=2)})
    assert await in_place.fill([of_an_older_version, lifecycle]) == [of_an_older_version, lifecycle]
    assert await DocumentsInPlace({}).fill([of_an_older_version]) == [of_an_older_version]


async def test_a_change_whose_document_is_gone_is_passed_over() -> None:
    in_place = DocumentsInPlace({STATE: Latest(b=1)})
    assert await filled(in_place, changed(1, ("gone", 1)), changed(2, ("b", 1))) == [(2, b"b 1")]
