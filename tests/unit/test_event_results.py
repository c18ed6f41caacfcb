"""What became of published events, told by receipts, or by records of the output topics."""

import json
from typing import Any

from shared.kafka.record import Record
from shared.runtime.settings import Settings
from tenure.event_results import EventResult, EventResults, PublishedEvent, Result
from tenure.topics import RecordPlace
from tests.kit.records import kafka_record

SETTINGS = Settings(topic_prefix="shop.")
RENEWAL = "tenure.renewal.ordered.v1"
CREDIT = "tenure.account.credited.v1"


def published(offset: int, *, topic: str = "renewals", type_: str = RENEWAL, id_: str | None = None) -> PublishedEvent:
    event = {"type": type_, "id": id_ or f"e-{offset}", "subject": "acme"}
    return PublishedEvent(place=RecordPlace(f"shop.{topic}", 0, offset), topic=topic, event=event)


def lifecycle(name: str, cause: PublishedEvent, *, subject: str = "acme", **data: Any) -> Record:
    told = {"cause": {"type": cause.event["type"], "id": cause.event["id"]}, **data}
    value = {"type": f"tenure.subscription.{name}.v1", "subject": subject, "data": told}
    return kafka_record("shop.subscription-lifecycle", json.dumps(value).encode())


def dead_letter(origin: str, offset: str, *, partition: str = "0") -> Record:
    told = {"reason": "invalid_data", "detail": "data: ?", "topic": origin, "partition": partition, "offset": offset}
    headers = [(f"dead-letter-{name}", value.encode()) for name, value in told.items()]
    return kafka_record("shop.dead-letters", b"{}", headers=headers)


def found(results: EventResults) -> list[tuple[str, str]]:
    return [(each.result.value, each.detail) for each in results.all("late")]


def test_records_tell_what_was_applied_rejected_and_made_a_dead_letter() -> None:
    events = [published(0), published(1), published(2), published(3)]
    results = EventResults(events, SETTINGS)
    results.read([lifecycle("renewed", events[0]), lifecycle("order_rejected", events[1], code="invalid_duration")])
    results.read([dead_letter("shop.renewals", "2")])
    assert not results.complete
    assert found(results) == [
        ("applied", ""),
        ("rejected", "invalid_duration"),
        ("dead letter", "invalid_data: data: ?"),
        ("unknown", "late"),
    ]


def test_records_about_others_tell_nothing() -> None:
    results = EventResults([published(0)], SETTINGS)
    results.read([lifecycle("renewed", published(1)), lifecycle("renewed", published(0), subject="other")])
    results.read([lifecycle("renewed", published(0, type_=CREDIT))])
    results.read([dead_letter("shop.renewals", "1"), dead_letter("shop.purchases", "0")])
    results.read([dead_letter("shop.renewals", "0", partition="1"), dead_letter("shop.renewals", "")])
    assert found(results) == [("unknown", "late")]


def test_a_receipt_is_the_last_word_on_its_record_alone() -> None:
    events = [published(0, id_="same"), published(1, id_="same")]
    results = EventResults(events, SETTINGS)
    results.add(events[1], EventResult(result=Result.DUPLICATE))
    assert (results.open, found(results)) == ([events[0]], [("unknown", "late"), ("duplicate", "")])
    results.add(events[0], EventResult(result=Result.REJECTED, detail="invalid_duration"))
    assert (results.open, found(results)) == ([], [("rejected", "invalid_duration"), ("duplicate", "")])


def test_an_event_without_fields_can_still_be_a_dead_letter() -> None:
    results = EventResults(
        [PublishedEvent(place=RecordPlace("shop.purchases", 0, 4), topic="purchases", event=7)], SETTINGS
    )
    results.read([dead_letter("shop.purchases", "4")])
    assert results.complete
