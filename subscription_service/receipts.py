"""Receipts: what became of single records, for senders who ask. Pure.

A record asks with the header `tenure-receipt`, an id of the sender's own choice; others cost nothing. The receipt is
stored in the transaction of the effect, so it is exact however many events come from others at the same time. A sender
of very many names the outcome that it expects with `tenure-receipt-unless`, and only the others get a receipt.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from shared.contracts.envelope import RECEIPT_HEADER, RECEIPT_UNLESS_HEADER
from shared.contracts.scalars import ID_PATTERN
from shared.kafka.record import Record

FOR_A_PURCHASE: Final = "purchase"
FOR_TIMERS: Final = "timers"
"""Details of what waits: for a purchase of its account (R40), or until what is due before it has happened (R4)."""
_DETAIL_CHARACTERS: Final = 500
_is_id: Final = re.compile(ID_PATTERN).fullmatch


class ReceiptOutcome(StrEnum):
    """What became of an event; one that waits (R4, R40) gets another outcome later."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    DEAD_LETTER = "dead_letter"
    WAITING = "waiting"


class Receipt(NamedTuple):
    """What became of the record at this place. `topic`: logical name. `detail`: the code of a rejection, or reason and
    detail of a dead letter; may be empty.
    """

    receipt_id: str
    topic: str
    partition: int
    record_offset: int
    outcome: ReceiptOutcome
    detail: str


class Receipts:
    """Those of one transaction; the last outcome of a record counts."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[str, int, int], Receipt] = {}
        self._stored: set[tuple[str, int, int]] = set()

    def add(self, record: Record, topic: str, outcome: ReceiptOutcome, detail: str = "") -> None:
        """Keep what became of a record, where it asks for that."""
        request = _request_of(record)
        if request is None:
            return
        receipt = Receipt(
            request.receipt_id, topic, record.partition, record.offset, outcome, detail[:_DETAIL_CHARACTERS]
        )
        place = receipt[1:4]
        if outcome == request.unless and place not in self._stored:
            self._by_place.pop(place, None)
        else:
            self._by_place[place] = receipt

    def replace_stored(self, record: Record, topic: str) -> None:
        """This record's event has waited: whatever becomes of it takes the place of the receipt that says so."""
        self._stored.add((topic, record.partition, record.offset))

    def __iter__(self) -> Iterator[Receipt]:
        return iter(self._by_place.values())


class _Request(NamedTuple):
    receipt_id: str
    unless: str


def _request_of(record: Record) -> _Request | None:
    """What a record asks for; None where it asks for nothing, or with what is no id."""
    found = ""
    unless = ""
    for name, value in record.headers:
        if name == RECEIPT_HEADER and _is_id(wanted := (value or b"").decode("ascii", "replace")):
            found = wanted
        elif name == RECEIPT_UNLESS_HEADER:
            unless = (value or b"").decode("ascii", "replace")
    return _Request(found, unless) if found else None
