"""Documents of which only the latest counts: the log holds that one changed, its value is made when it is published.

A *change* is key and revision of a document. All changes of a transaction in one partition are one entry without key
and value, which takes a sequence for each. The relay asks the service for the document as it is now, so that of several
changes one document is published, in the place of the last one. Invariants: after the last change of a document the
relay publishes it with that revision or a later one, and revisions of a document only rise on its topic.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

from shared.outbox.log import Entry, unpack
from shared.storage.stored_positions import Partition

_FROM_THE_START: Final[Mapping[Partition, int]] = {}
_MAX_AHEAD: Final = 20_000
"""Documents that are remembered as published ahead of their changes. One that is forgotten is published once more, with
the same revision or a later one, as after a change of leader.
"""


class Document(NamedTuple):
    """The latest document of a key: its revision, and its value as it is published."""

    revision: int
    value: bytes


class Documents(Protocol):
    """What a service gives the relay for one topic."""

    async def latest(self, changed: Mapping[str, int]) -> Mapping[str, Document]:
        """Key -> its document, of at least the given revision; a key that has none is left out. Raises `Transient`."""

    def forget(self) -> None:
        """What is kept in memory may be older than what was published: by another copy, or long ago."""


class _Change(NamedTuple):
    """A change in its place."""

    topic: str
    partition: int
    sequence: int
    key: bytes
    revision: int


def documents_changed(topic: str, changes: Iterable[tuple[int, str, int]]) -> Iterator[Entry]:
    """The entries of one transaction's changes, one for each partition; a change: (partition, key, new revision)."""
    for partition, own in groupby(sorted(changes, key=itemgetter(0)), key=itemgetter(0)):
        headers = tuple((key, b"%d" % revision) for _, key, revision in own)
        yield Entry(topic, partition, None, None, headers, enveloped=False, sequences=len(headers))


class DocumentsInPlace:
    """Puts documents in the places of changes, for one producer: where it fails, its successor begins anew.

    `documents`: topic -> what makes its documents. Entries of other topics, and those with a value, stay as they are.
    """

    def __init__(self, documents: Mapping[str, Documents], *, remembers: int = _MAX_AHEAD) -> None:
        for each in documents.values():
            each.forget()
        self._documents = documents
        self._remembers = remembers
        self._ahead: dict[tuple[str, bytes], int] = {}
        """Revisions that were published before their own changes were read."""

    async def fill(self, entries: Sequence[Any], *, after: Mapping[Partition, int] = _FROM_THE_START) -> list[Any]:
        """Entries as `progress.next_entries` gives them; without the changes that need no document any more.

        `after`: the sequences up to which all was published, perhaps in the middle of an entry.
        """
        if not self._documents:
            return list(entries)
        changes = [change for change in self._changes(entries) if _is_after(change, after)]
        wanted = self._wanted(change for change in changes if isinstance(change, _Change))
        made = {topic: await self._documents[topic].latest(changed) for topic, changed in wanted.items()}
        found = (self._with_document(each, wanted, made) if isinstance(each, _Change) else each for each in changes)
        return [entry for entry in found if entry is not None]

    def _changes(self, entries: Iterable[Any]) -> Iterator[Any]:
        """The entries, with every change by itself in place of those that hold changes."""
        for entry in entries:
            if entry[4] is None and entry[0] in self._documents:
                yield from _changes_in(*entry)
            else:
                yield entry

    def _wanted(self, changes: Iterable[_Change]) -> dict[str, dict[str, int]]:
        """Topic -> key -> revision of its last change, where no later one has been published."""
        wanted: dict[str, dict[str, int]] = {}
        for topic, _, _, key, revision in changes:
            if revision > self._ahead.get((topic, key), 0):
                wanted.setdefault(topic, {})[key.decode()] = revision
            else:
                self._forget(topic, key, revision)
        return wanted

    def _with_document(
        self, change: _Change, wanted: Mapping[str, Mapping[str, int]], made: Mapping[str, Any]
    ) -> Any | None:
        """None for a change whose document is published with a later change, was published before, or is gone."""
        topic, partition, sequence, key, revision = change
        name = key.decode()
        document: Document | None = made.get(topic, {}).get(name)
        if document is None or wanted[topic].get(name) != revision:
            return None
        if document.revision > revision:
            self._remember(topic, key, document.revision)
        return topic, partition, sequence, key, document.value, None

    def _remember(self, topic: str, key: bytes, revision: int) -> None:
        """The oldest goes where there are too many: a log that waits may have the changes of any number of accounts.

        Then nothing that is kept in memory may be used that is older than what was published, as for a new producer.
        """
        self._ahead[topic, key] = revision
        if len(self._ahead) > self._remembers:
            del self._ahead[next(iter(self._ahead))]
            self._documents[topic].forget()

    def _forget(self, topic: str, key: bytes, revision: int) -> None:
        """Of a document that was published ahead no older change can follow once its own one was read."""
        if revision == self._ahead.get((topic, key)):
            del self._ahead[topic, key]


def _is_after(entry: Any, after: Mapping[Partition, int]) -> bool:
    topic, partition, sequence, *_ = entry
    return bool(sequence > after.get(Partition(topic, partition), 0))


def _changes_in(
    topic: str, partition: int, last: int, key: bytes | None, _: None, headers: bytes | None
) -> Iterator[_Change]:
    """The changes of an entry whose last sequence is `last`. One with a key is of an older version, and one change."""
    changes = unpack(headers)
    for sequence, (name, revision) in enumerate(changes, last - len(changes) + 1):
        yield _Change(topic, partition, sequence, key or name.encode(), int(revision or 0))
