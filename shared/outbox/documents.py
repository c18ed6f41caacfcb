"""Documents of which only the latest counts: the log holds that one changed, its value is made when it is published.

Such an entry is a *change*: key and revision of the document, no value. The relay asks the service for the document as
it is now, so that of several changes one document is published, in the place of the last one. Invariants: after the
last change of a document the relay publishes it with that revision or a later one, and revisions of a document only
rise on its topic.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from shared.outbox.log import Entry, unpack

_REVISION: Final = "revision"


class Document(NamedTuple):
    """The latest document of a key: its revision, and its value as it is published."""

    revision: int
    value: bytes


class Documents(Protocol):
    """What a service gives the relay for one topic."""

    async def latest(self, changed: Mapping[str, int]) -> Mapping[str, Document]:
        """Key -> its document, of at least the given revision; a key that has none is left out. Raises `Transient`."""

    def forget(self) -> None:
        """Another producer begins: what is kept in memory may be older than what another copy has published."""


def document_changed(topic: str, partition: int, key: str, revision: int) -> Entry:
    """The entry of a change, for the transaction that made this revision of the document."""
    headers = ((_REVISION, b"%d" % revision),)
    return Entry(topic=topic, partition=partition, key=key.encode(), value=None, headers=headers, enveloped=False)


class DocumentsInPlace:
    """Puts documents in the places of changes, for one producer: where it fails, its successor begins anew.

    `documents`: topic -> what makes its documents. Entries of other topics, and those with a value, stay as they are.
    """

    def __init__(self, documents: Mapping[str, Documents]) -> None:
        for each in documents.values():
            each.forget()
        self._documents = documents
        self._ahead: dict[tuple[str, bytes], int] = {}
        """Revisions that were published before their own changes were read."""

    async def fill(self, entries: Sequence[Any]) -> list[Any]:
        """Entries as `progress.unpublished` gives them; without the changes that need no document any more."""
        if not self._documents:
            return list(entries)
        revisions = [_revision(entry) if self._is_change(entry) else None for entry in entries]
        wanted = self._wanted(entries, revisions)
        made = {topic: await self._documents[topic].latest(changed) for topic, changed in wanted.items()}
        found = (
            entry if revision is None else self._with_document(entry, revision, wanted, made)
            for entry, revision in zip(entries, revisions, strict=True)
        )
        return [entry for entry in found if entry is not None]

    def _wanted(self, entries: Iterable[Any], revisions: Iterable[int | None]) -> dict[str, dict[str, int]]:
        """Topic -> key -> revision of its last change, where no later one has been published."""
        wanted: dict[str, dict[str, int]] = {}
        for (topic, _, _, key, *_), revision in zip(entries, revisions, strict=True):
            if revision is None:
                continue
            if revision > self._ahead.get((topic, key), 0):
                wanted.setdefault(topic, {})[key.decode()] = revision
            else:
                self._forget(topic, key, revision)
        return wanted

    def _with_document(
        self, entry: Any, revision: int, wanted: Mapping[str, Mapping[str, int]], made: Mapping[str, Any]
    ) -> Any | None:
        """None for a change whose document is published with a later change, was published before, or is gone."""
        topic, partition, sequence, key, _, _ = entry
        name = key.decode()
        document: Document | None = made.get(topic, {}).get(name)
        if document is None or wanted[topic].get(name) != revision:
            return None
        if document.revision > revision:
            self._ahead[topic, key] = document.revision
        return topic, partition, sequence, key, document.value, None

    def _is_change(self, entry: Any) -> bool:
        return entry[4] is None and entry[0] in self._documents

    def _forget(self, topic: str, key: bytes, revision: int) -> None:
        """Of a document that was published ahead no older change can follow once its own one was read."""
        if revision == self._ahead.get((topic, key)):
            del self._ahead[topic, key]


def _revision(entry: Any) -> int:
    [(_, revision)] = unpack(entry[5])
    return int(revision or 0)
