"""What an event stream says became of its events: by receipts of the few, and by the stored positions of the others."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.contracts.topics import PURCHASES
from shared.runtime.settings import Settings
from shared.runtime.tasks import run_until_one_ends
from tenure.event_results import EventResult, Result
from tenure.event_stream import EventStream, StreamedEvent
from tenure.http_answers import NoAnswer
from tenure.receipts import PartitionResults
from tenure.topics import OutgoingRecord, RecordPlace

REFUSED = EventResult(result=Result.REJECTED, detail="order_conflict")


class Broker:
    """Takes every record on the next offset; those of `b` are on another partition."""

    def __init__(self) -> None:
        self.count = 0

    async def send(self, records: Sequence[OutgoingRecord]) -> Sequence[RecordPlace]:
        self.count += len(records)
        first = self.count - len(records)
        return [RecordPlace(each.topic, each.key == b"b", first + n) for n, each in enumerate(records)]


class Answers:
    """What the service answers of each partition, one after the other; the last one stays. None: it does not."""

    headers = ()

    def __init__(self, *answers: dict[int, PartitionResults] | None) -> None:
        self.answers = list(answers)
        self.asked: set[tuple[str, int]] = set()

    def of_partition(self, topic: str, partition: int) -> PartitionResults:
        self.asked.add((topic, partition))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise NoAnswer("the subscription service is away")
        return answer[partition]


async def results(answers: Answers, *keys: str, seconds: float = 30) -> list[str]:
    broker: Any = Broker()
    publication: Any = answers
    stream = EventStream(Settings(), broker, publication, seconds=seconds)
    found: list[EventResult] = []

    async def publish() -> None:
        found.extend(await stream.publish([StreamedEvent(PURCHASES, key.encode(), b"{}") for key in keys]))

    await run_until_one_ends(publish, stream.keep_asking)
    return [f"{each.result} {each.detail}".strip() for each in found]


@pytest.mark.asyncio
async def test_what_the_position_has_passed_was_applied_unless_a_receipt_says_otherwise() -> None:
    answers = Answers({0: PartitionResults({1: REFUSED}, (), 3), 1: PartitionResults({}, (), 3)})
    assert await results(answers, "a", "a", "b") == ["applied", "rejected order_conflict", "applied"]
    assert answers.asked == {(PURCHASES, 0), (PURCHASES, 1)}


@pytest.mark.asyncio
async def test_it_waits_for_the_last_record_and_for_what_waits_for_timers() -> None:
    behind, blocked = PartitionResults({}, (), 1), PartitionResults({}, (0,), 2)
    answers = Answers({0: behind}, {0: blocked}, {0: PartitionResults({0: REFUSED}, (), 2)})
    assert await results(answers, "a", "a") == ["rejected order_conflict", "applied"]
    assert len(answers.answers) == 1


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_service_that_does_not_answer_is_asked_again_and_what_nothing_is_heard_of_is_unknown() -> None:
    fine = PartitionResults({}, (), 5)
    assert await results(Answers(None, {0: fine}), "a") == ["applied"]
    assert await results(Answers(None), "a", seconds=0.5) == ["unknown the subscription service is away"]
    behind = PartitionResults({}, (), 0)
    assert await results(Answers({0: behind}), "a", seconds=0.5) == ["unknown no word of it within 0.5 s"]


@pytest.mark.asyncio
async def test_several_may_publish_at_once() -> None:
    broker: Any = Broker()
    answers: Any = Answers({0: PartitionResults({2: REFUSED}, (), 4)})
    stream = EventStream(Settings(), broker, answers, seconds=30)
    found: list[Sequence[EventResult]] = []

    async def publish() -> None:
        two = [StreamedEvent(PURCHASES, b"a", b"{}")] * 2
        found.extend(await asyncio.gather(stream.publish(two), stream.publish(two)))

    await run_until_one_ends(publish, stream.keep_asking)
    assert [[each.result for each in part] for part in found] == [["applied"] * 2, ["rejected", "applied"]]
