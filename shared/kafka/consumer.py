"""Our consumers: aiokafka's, which read cleaned batches; that of the intake knows more about its positions.

An `InputConsumer` never moves by itself: `auto_offset_reset` is `none`, and a position that the broker does not hold is
kept in `out_of_range` until `Positions.seek` has judged it. Which offsets it has returned as records is kept, so that
what it passed beside them (transaction markers, aborted records) can be told from records. It is made by FastStream's
broker (`client`) and used through `Reader`.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from shared.kafka.errors import close_quietly
from shared.kafka.membership import Membership
from shared.kafka.record import FaultyRecord, Offsets, Record
from shared.kafka.wire.client import FetchCleaner


class CleanConsumer(AIOKafkaConsumer):  # type: ignore[misc]
    """No bytes on a topic stop it, and none need more memory than `wire` allows. Takes aiokafka's arguments."""

    def __init__(self, *topics: str, **options: Any) -> None:
        # Checksums are checked before, and are not right any more.
        super().__init__(*topics, **{**options, "check_crcs": False})
        self._cleaner = FetchCleaner(self._client.send)
        self._client.send = self._cleaner.send

    async def stop(self) -> None:
        """Leave the group and close the connections; what cannot be left is no reason to go on heartbeating in it."""
        try:
            await super().stop()
        except BaseException:
            for close in self._still_running():
                await close_quietly(close)
            raise

    def _still_running(self) -> Iterator[Callable[[], Awaitable[None]]]:
        """How to end what aiokafka leaves running where a step of its `stop` raises an error."""
        if isinstance(self._coordinator, GroupCoordinator):
            yield self._coordinator._stop_heartbeat_task  # noqa: SLF001  its own `close` ends it too late
        if self._fetcher:
            yield self._fetcher.close
        yield self._client.close


class InputConsumer(CleanConsumer):
    """Returns records that cannot be read as `FaultyRecord`; keeps its place in its consumer group (`membership`)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._client.send = Membership(self._client.send, lambda: self._coordinator).send
        self.out_of_range: set[tuple[str, int]] = set()
        """Partitions whose position the broker does not hold."""
        self.trouble: str | None = None
        """Why it could not return records at the last try, such as a right of its group that is missing."""
        self._returned: dict[tuple[str, int], int] = {}
        """One past the last record that was returned, per partition."""

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> dict[TopicPartition, list[Record]]:
        """The next records; nothing where the broker does not hold a position."""
        try:
            found: dict[TopicPartition, list[Record]] = await super().getmany(
                *partitions, timeout_ms=timeout_ms, max_records=max_records
            )
        except OffsetOutOfRangeError as error:
            self.out_of_range.update(error.args[0])
            return {}
        except NoOffsetForPartitionError:  # it was assigned, and is not moved to its stored position yet
            return {}
        except KafkaError as error:
            self.trouble = f"Kafka: {error!r}"
            raise
        self.trouble = None
        self._returned.update({partition: records[-1].offset + 1 for partition, records in found.items()})
        return {partition: self._with_faults(partition, records) for partition, records in found.items()}

    def stay_member(self) -> None:
        """Send heartbeats from now on: a rebalance listener may take longer than the session, and aiokafka waits."""
        self._coordinator._start_heartbeat_task()  # noqa: SLF001

    def existing(self, topics: Iterable[str]) -> set[TopicPartition]:
        """All partitions that these topics have, as of a few seconds ago at most."""
        return {TopicPartition(topic, number) for topic in topics for number in self.partitions_for_topic(topic) or ()}

    def rejoin(self) -> None:
        """Join the group again, which assigns the partitions anew where the broker takes this copy for the leader."""
        if self._coordinator:
            self._coordinator.request_rejoin()

    def standstills(self) -> Mapping[TopicPartition, str]:
        """Assigned partitions that cannot be read further -> why, in a sentence that names partition and offset."""
        self._cleaner.forget_all_but(self.assignment())
        return self._cleaner.standstills

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Move to this offset."""
        super().seek(partition, offset)
        self.out_of_range.discard(partition)
        self._returned[partition] = offset

    def passed(self, applied: Mapping[tuple[str, int], int]) -> Offsets:
        """Partition -> position, where it has gone on after `applied` without a record.

        `applied`: partition -> next offset to apply. A partition with a record that is not applied yet is left out.
        """
        idle = {TopicPartition(*place): offset for place, offset in applied.items() if self._has_applied(place, offset)}
        reached = {partition: self._position(partition) for partition in idle}
        return {partition: offset for partition, offset in reached.items() if offset > idle[partition]}

    def lost(self, applied: Mapping[tuple[str, int], int]) -> bool:
        """Whether the broker does not hold a position up to which everything is applied."""
        return any(place in applied and self._has_applied(place, applied[place]) for place in self.out_of_range)

    def could_return_more(self, partition: TopicPartition, applied: int) -> bool:
        """Whether all that it returned is applied, and nothing is known that keeps it from returning more."""
        return self._has_applied(partition, applied) and partition not in self.standstills()

    def _has_applied(self, place: tuple[str, int], offset: int) -> bool:
        return self._returned.get(place, 0) <= offset

    def _with_faults(self, partition: TopicPartition, records: list[Record]) -> list[Record]:
        faults = self._cleaner.faults.get(partition)
        if not faults:
            return records
        return [
            FaultyRecord.of(record, faults[record.offset]) if record.offset in faults else record for record in records
        ]

    def _position(self, partition: TopicPartition) -> int:
        """Where it stands; -1 where it has no position yet. Without a wait, so that nothing can move it meanwhile."""
        assignment = self._subscription.subscription and self._subscription.subscription.assignment
        state = assignment and assignment.state_value(partition)
        return int(state.position) if state and state.has_valid_position else -1
