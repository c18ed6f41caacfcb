"""What a transaction has collected, and what waits, without the person behind an account that was erased (R48). Pure.

`unit_of_work` calls this where it decides an erasure; `storage.erasure` does the same in what is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

import orjson
from msgspec import structs

from shared.contracts.envelope import RECEIPT_HEADER, encode, fingerprint, to_json, wire_time
from shared.contracts.recipients import RecipientsChanged
from shared.kafka.dead_letters import emptied
from shared.kafka.record import Record
from shared.outbox.log import Entry
from subscription_service import handlers
from subscription_service.domain import erasing
from subscription_service.domain.waiting import WaitingEvents
from subscription_service.handlers import Incoming
from subscription_service.outbox_entries import EmittedEvent

_KEPT_HEADERS: Final = frozenset({RECEIPT_HEADER})
_NOBODY: Final[Mapping[str, object]] = {"contact": {"name": "", "email": "-"}, "recipients": []}
"""What a decision is given in place of what was forgotten; it takes none of it over."""


def blanked(emitted: Iterable[EmittedEvent], account_id: str) -> list[EmittedEvent]:
    """Lifecycle events that were collected before an erasure, those of the account blanked."""
    return [
        structs.replace(event, data=erasing.without_contact(event.data)) if event.account_id == account_id else event
        for event in emitted
    ]


def without_values(dead_letters: Iterable[Entry], account_id: str) -> list[Entry]:
    """Dead letters that were collected before an erasure, those of the account emptied."""
    return [emptied(letter) if letter.account_id == account_id else letter for letter in dead_letters]


def without_persons(waiting: WaitingEvents[Incoming], erased_at: datetime) -> WaitingEvents[Incoming]:
    """Waiting events, those with a `time` up to the erasure's (UTC) as the contract knows them, without a contact."""
    kept: WaitingEvents[Incoming] = WaitingEvents()
    for incoming, until in waiting:
        kept.add(_forgotten(incoming) if incoming.event.time <= erased_at else incoming, until)
    return kept


def reread(record: Record, topic: str, kept_fingerprint: bytes) -> Incoming:
    """Read a waiting record again that was written anew. Raises `Unreadable`.

    In place of its contact or recipients stands `_NOBODY`, which no decision takes over: an erasure is not earlier.
    """
    fields = orjson.loads(record.value or b"")
    fields["data"] |= {
        name: _NOBODY[name] for name, stated in fields["data"].items() if stated is None and name in _NOBODY
    }
    incoming = handlers.reread(replace(record, value=orjson.dumps(fields)), topic)
    incoming.record = record
    incoming.kept_fingerprint = kept_fingerprint
    incoming.business_keys = tuple(key._replace(fingerprint=kept_fingerprint) for key in incoming.business_keys)
    return incoming


def _forgotten(incoming: Incoming) -> Incoming:
    """With a record written anew from what the contract knows of it; its fingerprint stays (R39).

    The event that came stays as it is: should the transaction be rolled back, it is decided once more.
    """
    record = replace(
        incoming.record,
        key=incoming.account_id.encode(),
        value=_value(incoming),
        headers=[(name, text) for name, text in incoming.record.headers if name.lower() in _KEPT_HEADERS],
    )
    kept_fingerprint = incoming.kept_fingerprint or fingerprint(incoming.event)
    return replace(incoming, record=record, kept_fingerprint=kept_fingerprint, rewritten=True)


def _value(incoming: Incoming) -> bytes:
    event = incoming.event
    attributes = {"id": event.id, "source": event.source, "type": event.type, "time": wire_time(event.time)}
    attributes |= {"subject": event.subject} | ({"traceparent": event.traceparent} if event.traceparent else {})
    data = to_json(event.data)
    if isinstance(event.data, erasing.CommandWithContact | RecipientsChanged):
        stated = orjson.loads(data)
        data = orjson.dumps(stated | {name: None for name in _NOBODY if name in stated})
    return encode(attributes, data)
