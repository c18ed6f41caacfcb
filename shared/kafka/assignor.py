"""How a consumer group divides its partitions among the copies of a service."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment


class SamePartitionsAssignor(RoundRobinPartitionAssignor):  # type: ignore[misc]
    """Round robin by the number of the partition: a copy gets the same partitions of every topic.

    So where senders place a key alike on all topics, no two copies wait for the accounts of one another. Under its name
    no consumer of another kind can join the group: partitions that it was given, nobody would apply.
    """

    name = "tenure"

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, Any]:
        """Member -> its partitions, as aiokafka asks for it. `members`: member -> what it has subscribed to."""
        shares: dict[str, defaultdict[str, list[int]]] = {member: defaultdict(list) for member in members}
        for topic, partition, member in _divided(cluster, members):
            shares[member][topic].append(partition)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(share.items()), b"")
            for member, share in shares.items()
        }


def _divided(cluster: Any, members: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Topic, partition, and the member that gets it."""
    for topic in sorted({topic for member in members.values() for topic in member.subscription}):
        readers = sorted(name for name, member in members.items() if topic in member.subscription)
        for partition in sorted(cluster.partitions_for_topic(topic) or ()):
            yield topic, partition, readers[partition % len(readers)]
