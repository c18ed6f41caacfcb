"""Between aiokafka's consumer and its client: every answer to a fetch is cleaned before the consumer reads it.

Cleaning much runs in a thread, since it may unpack many bytes, which its libraries do beside the event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from aiokafka import TopicPartition
from aiokafka.errors import (
    NoError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest

from shared.contracts.unreadable import Unreadable
from shared.kafka.sizes import in_groups
from shared.kafka.wire.cleaning import Cleaned, OpenBatch, clean
from shared.runtime.log_lines import STANDSTILL, UNHANDLED

Send: TypeAlias = Callable[..., Awaitable[Any]]

_SMALL_BYTES: Final = 4 * 1024
"""Of batches in an answer, compressed as they may be: to hand a few events to a thread would take longer than to clean
them, and what is made to be huge inside takes a twentieth of a second at most.
"""
_BYTES_AT_ONCE: Final = 256 * 1024
"""Of them, in one thread's turn; one partition alone may have more."""

_OF_THE_CONSUMER: Final = (
    NoError,
    NotLeaderForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
"""What the consumer itself does something about; at other errors it only asks again."""


class FetchCleaner:
    """Takes the place of a client's `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open: dict[TopicPartition, OpenBatch] = {}
        self.faults: dict[TopicPartition, dict[int, Unreadable]] = {}
        """Partition -> offset -> why the record there is no event; of the last answer."""
        self.standstills: dict[TopicPartition, str] = {}
        """Partitions that cannot be read further -> why, and from which offset on."""
        self._doubted: dict[TopicPartition, int] = {}
        """Where the last answer could not be read further. A broker says where a partition ends before it reads it, so
        what was just written may lie beyond that; the next answer tells.
        """

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """As the client's `send`."""
        response = await self._send(node_id, request, **options)
        if isinstance(request, FetchRequest):
            offsets = {
                TopicPartition(topic, partition): offset
                for topic, partitions in request.topics
                for partition, offset, _ in partitions
            }
            response.topics = await self._clean(response.topics, offsets)
        return response

    def forget_all_but(self, assigned: Collection[TopicPartition]) -> None:
        """Keep nothing of partitions that are not read any more."""
        for known in (self._open, self.faults, self.standstills, self._doubted):
            for partition in known.keys() - assigned:
                del known[partition]

    async def _clean(self, topics: Sequence[Any], offsets: Mapping[TopicPartition, int]) -> list[Any]:
        """What was answered of all topics, with batches that can be read.

        A thread cleans what is not small together, so that a busy loop hands over once, however many partitions there
        are; what is large by turns, since a thread that computes for long is in the way of the loop.
        """
        answers = {TopicPartition(topic, answer[0]): answer for topic, own in topics for answer in own}
        sizes = {partition: len(answer[-1] or b"") for partition, answer in answers.items()}
        is_small = sum(sizes.values()) <= _SMALL_BYTES
        cleaned: dict[TopicPartition, Cleaned] = {}
        for group in in_groups(answers, sizes.__getitem__, bytes_at_once=_BYTES_AT_ONCE):
            steps = {each: self._step(each, answers[each], offsets[each]) for each in group}
            cleaned |= _run_all(steps) if is_small else await asyncio.to_thread(_run_all, steps)
        for partition, own in cleaned.items():
            self._keep(partition, own, offsets[partition])
        return [
            (topic, [(*answer[:-1], cleaned[TopicPartition(topic, answer[0])].batches) for answer in own])
            for topic, own in topics
        ]

    def _step(self, partition: TopicPartition, answer: Any, offset: int) -> Callable[[], Cleaned]:
        """What has to be done with one partition's answer, for a thread."""
        _, error_code, highwater, *_, batches = answer
        if for_code(error_code) not in _OF_THE_CONSUMER:
            return partial(Cleaned, b"", {}, standstill=for_code(error_code).__name__)
        if not batches:
            return partial(Cleaned, b"", {})
        # What is open is worked on by one thread only: should this task be cancelled, it is lost and begun again.
        return partial(_clean, batches, offset=offset, end=highwater, open_batch=self._open.pop(partition, None))

    def _keep(self, partition: TopicPartition, cleaned: Cleaned, offset: int) -> None:
        if cleaned.open_batch:
            self._open[partition] = cleaned.open_batch
        if cleaned.batches:
            self.faults[partition] = cleaned.faults
        if not cleaned.standstill:
            self._doubted.pop(partition, None)
            self.standstills.pop(partition, None)
            return
        doubted, self._doubted[partition] = self._doubted.get(partition), offset
        if doubted == offset:
            self._report(partition, cleaned.standstill, offset)

    def _report(self, partition: TopicPartition, why: str, offset: int) -> None:
        reason = f"{partition.topic}-{partition.partition} cannot be read from offset {offset} on: {why}"
        if self.standstills.get(partition) != reason:
            STANDSTILL.say(reason=reason)
        self.standstills[partition] = reason


def _run_all(steps: Mapping[TopicPartition, Callable[[], Cleaned]]) -> dict[TopicPartition, Cleaned]:
    return {partition: step() for partition, step in steps.items()}


def _clean(batches: bytes, *, offset: int, end: int, open_batch: OpenBatch | None) -> Cleaned:
    try:
        return clean(batches, offset=offset, end=end, open_batch=open_batch)
    except Exception as error:  # noqa: BLE001 - a fault of ours; the partition waits, with evidence
        UNHANDLED.say(error, where="cleaning an answer of the broker")
        return Cleaned(b"", {}, standstill=type(error).__name__)
