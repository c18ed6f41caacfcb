"""This copy's membership in its consumer group: between aiokafka's consumer and its client, as `wire.client` is.

Three things that the broker answers mean more than aiokafka (0.14) makes of them:

- Another living process has joined under our `TENURE_INSTANCE_ID`, so the broker has forgotten us. aiokafka would join
  again under that name, and the two would take it from each other for ever. We go on without a name instead.
- The broker takes no session as short as ours. aiokafka would give up; we ask for a longer one.
- A copy that is restarted under its name gets its partitions back without a rebalance, and is not told where it leads
  the group. A leader that does not know it would never see an added partition. A second join tells it.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Any, Final

from aiokafka.errors import (
    GroupLoadInProgressError,
    InvalidSessionTimeoutError,
    NoError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from shared.kafka.wire.client import Send
from shared.runtime.log_lines import NAME_TAKEN, SESSION_LENGTHENED

BROKERS_SHORTEST_SECONDS: Final = 6
"""The shortest session that a broker takes, unless it is configured otherwise."""
_LONGEST_SECONDS: Final = 300
_SECOND_JOIN_SECONDS: Final = 5.0
_FENCED: Final = 82
"""FENCED_INSTANCE_ID, which aiokafka does not know."""
_WITH_MEMBER: Final = (JoinGroupRequest, SyncGroupRequest, HeartbeatRequest, OffsetCommitRequest)


class Membership:
    """Takes the place of a client's `send`. `coordinator` returns aiokafka's, which has our name and our session."""

    def __init__(
        self, send: Send, coordinator: Callable[[], Any], *, second_join_seconds: float = _SECOND_JOIN_SECONDS
    ) -> None:
        self._send = send
        self._coordinator = coordinator
        self._second_join_seconds = second_join_seconds
        self._confirmed_at = float("-inf")
        """When the last request that the broker answered as a member's was sent, on the monotonic clock.

        Nothing confirms a member in a rebalance, from which it is left out where it comes too late.
        """

    async def send(self, node_id: int, request: Any, **options: Any) -> Any:
        """As the client's `send`."""
        if not isinstance(request, _WITH_MEMBER):
            return await self._send(node_id, request, **options)
        sent_at, member_id = time.monotonic(), self._coordinator().member_id
        response = await self._send(node_id, request, **options)
        codes = _codes(response)
        if codes == {NoError.errno}:
            self._confirmed_at = sent_at
        elif RebalanceInProgressError.errno in codes:
            self._confirmed_at = float("-inf")
        elif self._is_taken(codes, member_id):
            self._go_on_without_name(response)
        if isinstance(request, JoinGroupRequest):
            self._look_at_join(response, member_id)
        return response

    def _is_taken(self, codes: Collection[int], member_id: str) -> bool:
        """Whether another process has our name, as this answer to `member_id` shows.

        A member whose session cannot have ended by silence is forgotten for one reason only. Where it can have, we
        join again under our name; should somebody have it, then they go on without.
        """
        coordinator = self._coordinator()
        if coordinator._group_instance_id is None:
            return False
        silent_seconds = time.monotonic() - self._confirmed_at
        is_member = member_id and silent_seconds * 1000 < coordinator._session_timeout_ms
        return _FENCED in codes or bool(is_member and UnknownMemberIdError.errno in codes)

    def _go_on_without_name(self, response: Any) -> None:
        """aiokafka then joins again, as any copy without a name does."""
        coordinator = self._coordinator()
        NAME_TAKEN.say(group=coordinator.group_id, instance_id=coordinator._group_instance_id)
        coordinator._group_instance_id = None
        if getattr(response, "error_code", None) == _FENCED:
            response.error_code = UnknownMemberIdError.errno

    def _look_at_join(self, response: Any, member_id: str) -> None:
        """`member_id`: ours before the join; empty for a copy that has just started."""
        coordinator = self._coordinator()
        if response.error_code == InvalidSessionTimeoutError.errno:
            self._lengthen_session(response)
        elif response.error_code == NoError.errno and coordinator._group_instance_id and not member_id:
            asyncio.get_running_loop().call_later(self._second_join_seconds, _join_again, coordinator)

    def _lengthen_session(self, response: Any) -> None:
        """aiokafka then waits for a moment and joins again. Leaves the error where no length helps."""
        coordinator = self._coordinator()
        asked = coordinator._session_timeout_ms // 1000
        longer = max(BROKERS_SHORTEST_SECONDS, 2 * asked)
        if longer <= _LONGEST_SECONDS:
            SESSION_LENGTHENED.say(asked_seconds=asked, seconds=longer)
            coordinator._session_timeout_ms = longer * 1000
            response.error_code = GroupLoadInProgressError.errno


def _join_again(coordinator: Any) -> None:
    """Unless we are told already that we lead the group: only a leader knows its topics."""
    if coordinator._group_subscription is None:
        coordinator.request_rejoin()


def _codes(response: Any) -> set[int]:
    """The error codes of a response; of a commit, those of its partitions."""
    if hasattr(response, "error_code"):
        return {response.error_code}
    return {code for _, partitions in response.topics for _, code in partitions}
