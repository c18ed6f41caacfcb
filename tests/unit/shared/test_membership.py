"""What the broker answers to a member of a consumer group, and what this copy makes of it."""

import asyncio
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, JoinGroupRequest, SyncGroupRequest

from shared.kafka.membership import Membership
from tests.kit.cases import cases

OK, LOADING, UNKNOWN_MEMBER, BAD_SESSION, REBALANCING, FENCED = 0, 14, 25, 26, 27, 82
NAME = "copy-1"


@dataclass
class Coordinator:
    """Of aiokafka's, what a membership reads and changes."""

    member_id: str = "member"
    group_id: str = "group"
    _group_instance_id: str | None = NAME
    _session_timeout_ms: int = 2_000
    _group_subscription: set[str] | None = None
    joins: int = 0

    def request_rejoin(self) -> None:
        self.joins += 1

    @property
    def name(self) -> str | None:
        return self._group_instance_id


def request(kind: Any) -> Any:
    return kind.__new__(kind)


def answer(code: int, kind: type = HeartbeatRequest) -> Any:
    if kind is OffsetCommitRequest:
        return SimpleNamespace(topics=[("purchases", [(0, code), (1, code)])])
    return SimpleNamespace(error_code=code)


async def ask(coordinator: Coordinator, *answers: tuple[type, int]) -> Any:
    """The last of the answers, as aiokafka gets it."""
    waiting = [answer(code, kind) for kind, code in answers]

    async def send(node_id: int, asked: Any, **options: Any) -> Any:
        return waiting.pop(0)

    made = Membership(send, lambda: coordinator, second_join_seconds=0)
    for kind, _ in answers[:-1]:
        await made.send(1, request(kind))
    return await made.send(1, request(answers[-1][0]))


@pytest.mark.parametrize("kind", [HeartbeatRequest, SyncGroupRequest, OffsetCommitRequest])
async def test_a_member_that_is_forgotten_within_its_session_goes_on_without_its_name(kind: type) -> None:
    coordinator = Coordinator()
    await ask(coordinator, (HeartbeatRequest, OK), (kind, UNKNOWN_MEMBER))
    assert coordinator.name is None


async def test_a_member_that_is_left_out_of_a_rebalance_keeps_its_name() -> None:
    coordinator = Coordinator()
    await ask(coordinator, (HeartbeatRequest, OK), (HeartbeatRequest, REBALANCING), (HeartbeatRequest, UNKNOWN_MEMBER))
    assert coordinator.name == NAME


@pytest.mark.parametrize("kind", [JoinGroupRequest, SyncGroupRequest])
async def test_who_is_told_that_its_name_is_taken_goes_on_without_it_and_joins_as_somebody_unknown(kind: type) -> None:
    coordinator = Coordinator(member_id="")
    received = await ask(coordinator, (kind, FENCED))
    assert coordinator.name is None
    assert received.error_code == UNKNOWN_MEMBER


async def test_a_member_whose_session_can_have_ended_by_silence_keeps_its_name() -> None:
    """A copy that was frozen is forgotten too, and nobody has its name."""
    coordinator = Coordinator(_session_timeout_ms=0)
    await ask(coordinator, (HeartbeatRequest, OK), (HeartbeatRequest, UNKNOWN_MEMBER))
    assert coordinator.name == NAME


@pytest.mark.parametrize("code", [OK, REBALANCING, LOADING])
async def test_other_answers_leave_a_member_its_name(code: int) -> None:
    coordinator = Coordinator()
    await ask(coordinator, (HeartbeatRequest, OK), (HeartbeatRequest, code))
    assert coordinator.name == NAME


async def test_who_is_no_member_at_the_moment_is_not_forgotten() -> None:
    """aiokafka commits positions between two memberships too."""
    coordinator = Coordinator(member_id="")
    await ask(coordinator, (HeartbeatRequest, OK), (OffsetCommitRequest, UNKNOWN_MEMBER))
    assert coordinator.name == NAME


@cases(("asked", "then"), [(1, 6), (2, 6), (5, 10), (6, 12), (150, 300)])
async def test_a_session_that_the_broker_does_not_take_is_asked_for_again_and_longer(asked: int, then: int) -> None:
    coordinator = Coordinator(_session_timeout_ms=asked * 1000)
    received = await ask(coordinator, (JoinGroupRequest, BAD_SESSION))
    assert coordinator._session_timeout_ms == then * 1000
    assert received.error_code == LOADING


async def test_a_broker_that_takes_no_session_at_all_is_an_error() -> None:
    coordinator = Coordinator(_session_timeout_ms=151_000)
    received = await ask(coordinator, (JoinGroupRequest, BAD_SESSION))
    assert coordinator._session_timeout_ms == 151_000
    assert received.error_code == BAD_SESSION


@pytest.mark.parametrize(
    ("name", "member_id", "topics", "joins"),
    [(NAME, "", None, 1), (NAME, "", {"purchases"}, 0), (NAME, "member", None, 0), (None, "", None, 0)],
)
async def test_a_copy_that_came_back_under_its_name_joins_once_more_unless_it_knows_that_it_leads(
    name: str | None, member_id: str, topics: set[str] | None, joins: int
) -> None:
    coordinator = Coordinator(member_id=member_id, _group_instance_id=name)
    await ask(coordinator, (JoinGroupRequest, OK))
    coordinator._group_subscription = topics
    asyncio.get_running_loop().call_later(0, (passed := asyncio.Event()).set)
    await passed.wait()
    assert coordinator.joins == joins
