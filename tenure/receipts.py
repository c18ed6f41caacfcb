"""Receipts: what the subscription service says became of records that ask for it (`subscription_service.receipts`).

Every publication has an id of its own, so what others publish at the same time plays no part.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from shared.contracts.envelope import RECEIPT_HEADER
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


class Publication:
    """One publication whose results are asked for. `service`: URL of the subscription service."""

    def __init__(self, settings: Settings, service: str) -> None:
        self.id = str(uuid.uuid4())
        self._url = f"{service.rstrip('/')}/api/receipts/{self.id}"
        self._settings = settings
        self._read_to: dict[tuple[str, int], int] = {}

    @property
    def headers(self) -> Headers:
        """What its records carry."""
        return ((RECEIPT_HEADER, self.id.encode()),)

    def results(self, events: Sequence[PublishedEvent]) -> Iterator[tuple[PublishedEvent, EventResult]]:
        """The results that have come of these events since the last call. Raises `NoAnswer`."""
        by_partition: dict[tuple[str, int], dict[int, PublishedEvent]] = {}
        for event in events:
            by_partition.setdefault((event.topic, event.place.partition), {})[event.place.offset] = event
        for partition, by_offset in by_partition.items():
            for receipt in self._receipts(*partition):
                result = _result(receipt)
                if result is not None and receipt["offset"] in by_offset:
                    yield by_offset[receipt["offset"]], result

    def _receipts(self, topic: str, partition: int) -> Iterator[Mapping[str, Any]]:
        """Those of one partition, page by page, after the offset up to which all have their results."""
        headers = operator_headers("operator", self._settings)
        after = self._read_to.get((topic, partition), _BEFORE_THE_FIRST)
        open_ = False
        while True:
            query = urlencode({"topic": topic, "partition": partition, "after": after})
            url = f"{self._url}?{query}"
            page = get(url, headers, service="the subscription service", seconds=_ANSWER_SECONDS)["receipts"]
            for receipt in page:
                after, open_ = receipt["offset"], open_ or _result(receipt) is None
                yield receipt
                if not open_:
                    self._read_to[topic, partition] = after
            if not page:
                return


def _result(receipt: Mapping[str, Any]) -> EventResult | None:
    """None for an event that only waits until what is due before it has happened."""
    outcome, detail = receipt["outcome"], receipt["detail"]
    if outcome == "waiting":
        return _FOR_A_PURCHASE if detail == "purchase" else None
    return EventResult(result=_RESULTS[outcome], detail=detail)
