"""Receipts: what the subscription service says became of records that ask for it (`subscription_service.receipts`).

Every publication has an id of its own, so what others publish at the same time plays no part.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from shared.contracts.envelope import RECEIPT_HEADER, RECEIPT_UNLESS_HEADER
from shared.runtime.settings import Settings
from tenure.event_results import EventResult, PublishedEvent, Result
from tenure.http_answers import get, operator_headers
from tenure.topics import Headers

_FOR_A_PURCHASE: Final = EventResult(result=Result.WAITING, detail="for a purchase of this account (R40)")
_RESULTS: Final[Mapping[str, Result]] = {
    "applied": Result.APPLIED,
    "duplicate": Result.DUPLICATE,
    "rejected": Result.REJECTED,
    "dead_letter": Result.DEAD_LETTER,
}
_BEFORE_THE_FIRST: Final = -1
_ANSWER_SECONDS: Final = 5
"""Short, since it is asked again."""


class PartitionResults(NamedTuple):
    """What has come of the records of one partition: offset -> result. `open`: offsets of what was read and only waits
    until what is due before it has happened; `next_offset`: where the service reads on.
    """

    found: Mapping[int, EventResult]
    open: Collection[int]
    next_offset: int


class Publication:
    """One publication whose results are asked for. `service`: URL of the subscription service; `unless`: the outcome
    of which no receipt is wanted, such as `applied`.
    """

    def __init__(self, settings: Settings, service: str, *, unless: str = "") -> None:
        self.id = str(uuid.uuid4())
        self._url = f"{service.rstrip('/')}/api/receipts/{self.id}"
        self._settings = settings
        self._unless = unless
        self._read_to: dict[tuple[str, int], int] = {}

    @property
    def headers(self) -> Headers:
        """What its records carry."""
        asks = (RECEIPT_HEADER, self.id.encode())
        return (asks, (RECEIPT_UNLESS_HEADER, self._unless.encode())) if self._unless else (asks,)

    def results(self, events: Sequence[PublishedEvent]) -> Iterator[tuple[PublishedEvent, EventResult]]:
        """The results that have come of these events since the last call. Raises `NoAnswer`."""
        by_partition: dict[tuple[str, int], dict[int, PublishedEvent]] = {}
        for event in events:
            by_partition.setdefault((event.topic, event.place.partition), {})[event.place.offset] = event
        for partition, by_offset in by_partition.items():
            for offset, result in self.of_partition(*partition).found.items():
                if offset in by_offset:
                    yield by_offset[offset], result

    def of_partition(self, topic: str, partition: int) -> PartitionResults:
        """What has come since the last call of the records of one partition (`topic`: without prefix). Raises
        `NoAnswer`.
        """
        found: dict[int, EventResult] = {}
        open_: set[int] = set()
        after = self._read_to.get((topic, partition), _BEFORE_THE_FIRST)
        page = first = self._page(topic, partition, after)
        while page["receipts"]:
            for receipt in page["receipts"]:
                result, after = _result(receipt), receipt["offset"]
                if result is None:
                    open_.add(after)
                else:
                    found[after] = result
                if not open_:
                    self._read_to[topic, partition] = after
            page = self._page(topic, partition, after)
        return PartitionResults(found, open_, first["next_offset"])

    def _page(self, topic: str, partition: int, after: int) -> Mapping[str, Any]:
        query = urlencode({"topic": topic, "partition": partition, "after": after})
        headers = operator_headers("operator", self._settings)
        return get(f"{self._url}?{query}", headers, service="the subscription service", seconds=_ANSWER_SECONDS)


def _result(receipt: Mapping[str, Any]) -> EventResult | None:
    """None for an event that only waits until what is due before it has happened."""
    outcome, detail = receipt["outcome"], receipt["detail"]
    if outcome == "waiting":
        return _FOR_A_PURCHASE if detail == "purchase" else None
    return EventResult(result=_RESULTS[outcome], detail=detail)
