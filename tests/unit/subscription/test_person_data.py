"""A waiting event that was written anew without its person is read again as what it was (R48)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from shared.contracts.envelope import RECEIPT_HEADER, fingerprint, to_json
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.topics import TEST_CLOCK, TOPIC_OF_TYPE
from subscription_service import person_data
from subscription_service.domain.erasing import CommandWithContact
from subscription_service.domain.waiting import WaitingEvents
from subscription_service.handlers import Incoming, reread
from tests.contract.test_golden import GOLDEN
from tests.kit.cases import cases
from tests.kit.records import kafka_record

NAME: Final = "Zebedee"
SECOND: Final = timedelta(seconds=1)
FILES: Final = sorted(
    path
    for path in GOLDEN.glob("*.json")
    if TOPIC_OF_TYPE.get(path.stem.partition("~")[0], TEST_CLOCK) != TEST_CLOCK and ".out" not in path.stem
)


def received(path: Path) -> Incoming:
    """The golden event with a name wherever a contract knows of none, and in its contact."""
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    data = event["data"] | {"customer": NAME}
    if "contact" in data:
        data["contact"] |= {"name": NAME, "email": f"{NAME}@planted.example"}
    if "recipients" in data:
        data["recipients"][0] |= {"name": NAME, "email": f"{NAME}@planted.example"}
    headers = ((RECEIPT_HEADER, b"receipt-1"), ("customer", NAME.encode()))
    topic = TOPIC_OF_TYPE[event["type"]]
    value = json.dumps(event | {"data": data, "customer": NAME}).encode()
    return reread(kafka_record(topic, value, key=NAME.encode(), headers=headers), topic)


def forgotten(incoming: Incoming, *, after: timedelta) -> Incoming:
    """The event after an erasure so long after its `time`, in a unit of work that it waits in."""
    waiting: WaitingEvents[Incoming] = WaitingEvents()
    waiting.defer(incoming)
    [(kept, _)] = person_data.without_persons(waiting, incoming.event.time + after)
    return kept


@pytest.mark.rule("R48", "R39")
@cases("path", FILES)
def test_every_event_is_read_again_with_its_ids_and_its_fingerprint_and_names_nobody(path: Path) -> None:
    before = received(path)
    kept = forgotten(received(path), after=timedelta(0))
    record = kept.record
    assert NAME not in str((record.key, record.value, record.headers))
    assert record.headers == [(RECEIPT_HEADER, b"receipt-1")]
    assert kept.kept_fingerprint == fingerprint(before.event)
    again = person_data.reread(record, kept.topic, kept.kept_fingerprint)
    assert (again.event_key, again.business_keys, again.time) == (before.event_key, before.business_keys, before.time)
    assert again.record.value == record.value
    stated = json.loads(record.value or b"")["data"]
    if isinstance(before.event.data, CommandWithContact):
        assert stated["contact"] is None
    elif isinstance(before.event.data, RecipientsChanged):
        assert stated["recipients"] is None
    else:
        assert to_json(again.event.data) == to_json(before.event.data)


@pytest.mark.rule("R48")
def test_forgotten_twice_it_still_has_the_fingerprint_that_it_came_with() -> None:
    path = GOLDEN / "tenure.purchase.ordered.v1.json"
    once = forgotten(received(path), after=SECOND)
    again = person_data.reread(once.record, once.topic, once.kept_fingerprint or b"")
    assert forgotten(again, after=SECOND).kept_fingerprint == once.kept_fingerprint
    assert again.business_keys == received(path).business_keys


@pytest.mark.rule("R48")
def test_an_event_with_a_later_time_stays_as_it_was_received() -> None:
    path = GOLDEN / "tenure.purchase.ordered.v1.json"
    before, kept = received(path), forgotten(received(path), after=-SECOND)
    assert (kept.record.value, kept.kept_fingerprint, kept.rewritten) == (before.record.value, None, False)
