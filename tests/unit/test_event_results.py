"""What became of published events, told by records of the output topics and by counters."""

import json
from collections import Counter
from typing import Any

import pytest

from shared.kafka.record import Record
from shared.runtime.settings import Settings
from tenure.event_results import Counts, EventResults, PublishedEvent, Result
from tenure.story.metrics import unpublished
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


def counts(**numbers: int) -> Counts:
    """`renewals_applied=1`; `parked=1`."""
    named = {("", "parked") if name == "parked" else tuple(name.split("_", 1)): n for name, n in numbers.items()}
    return Counter({(topic, outcome): number for (topic, outcome), number in named.items()})


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


@pytest.mark.parametrize(
    ("grown", "result"),
    [
        (counts(renewals_applied=2), Result.APPLIED),
        (counts(renewals_applied=1, renewals_duplicate=1), Result.DUPLICATE),
        (counts(renewals_applied=1, parked=1), Result.WAITING),
        (counts(renewals_applied=2, renewals_duplicate=1), Result.APPLIED_OR_DUPLICATE),
    ],
)
def test_counters_tell_what_no_record_tells(grown: Counts, result: Result) -> None:
    events = [published(0), published(1)]
    results = EventResults(events, SETTINGS)
    results.read([lifecycle("renewed", events[0])])
    before = counts(renewals_applied=7, renewals_duplicate=7, parked=7)
    assert results.counted(before, before + grown)
    results.conclude(before, before + grown)
    assert (results.complete, results.all("late")[1].result) == (True, result)


@pytest.mark.parametrize(
    ("grown", "counted"),
    [
        (counts(), False),
        (counts(renewals_applied=2), False),
        (counts(renewals_rejected=1, purchases_dead_letter=1), True),
        (counts(purchases_applied=1, parked=1), True),
        (counts(purchases_applied=5), False),
    ],
)
def test_all_are_counted_once_each_topic_has_grown_by_its_events_or_they_wait(grown: Counts, counted: bool) -> None:
    results = EventResults([published(0), published(0, topic="purchases", type_=CREDIT)], SETTINGS)
    assert results.counted(Counter(), grown) is counted


def test_an_event_without_fields_can_still_be_a_dead_letter() -> None:
    results = EventResults(
        [PublishedEvent(place=RecordPlace("shop.purchases", 0, 4), topic="purchases", event=7)], SETTINGS
    )
    results.read([dead_letter("shop.purchases", "4")])
    assert results.complete


def test_what_is_not_published_is_summed_over_topics() -> None:
    text = 'tenure_relay_lag_events{topic="a"} 2\ntenure_relay_lag_events{topic="b"} 3\ntenure_parked 7\n'
    assert unpublished(text) == 5
