"""What the inputs hold at one moment is waited for, whatever comes afterwards or is held back by a transaction."""

import asyncio
from typing import Any

import pytest

from shared.contracts.topics import PURCHASES
from shared.kafka import input_topics
from shared.kafka.input_topics import InputTopics
from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.settings import Settings
from shared.storage.stored_positions import Partition
from tests.integration.shared.environment import Topic
from tests.integration.shared.recording import applied, has_applied, running_intake
from tests.kit.waiting import PATIENCE, eventually


@pytest.fixture
async def topic(settings: Settings) -> Topic:
    return await Topic(PURCHASES, settings).make(1)


@pytest.fixture
def inputs(context: ServiceContext) -> InputTopics:
    return InputTopics([PURCHASES], settings=context.settings, engine=context.engine)


@pytest.mark.rule("R4")
async def test_the_ends_of_one_look_are_reached_while_more_and_more_comes(
    context: ServiceContext, topic: Topic, inputs: InputTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(input_topics, "_LONGEST_SECONDS", 0.2)
    await topic.send(b"a", b"b")
    ends = await inputs.ends()
    assert ends == {Partition(PURCHASES, 0): 2}
    with pytest.raises(Transient, match=r"purchases-0 to offset 0 of 2"):
        await inputs.wait_until_applied(ends)
    await topic.send(b"c", b"d")
    async with running_intake(context):
        await eventually(lambda: has_applied(context.engine, 1))
        await asyncio.wait_for(_until_applied(inputs, ends), PATIENCE)
        assert {"a", "b"} <= set(await applied(context.engine))


async def _until_applied(inputs: InputTopics, ends: Any) -> None:
    while True:
        try:
            return await inputs.wait_until_applied(ends)
        except Transient:
            continue


@pytest.mark.rule("R4")
@pytest.mark.parametrize("commit", [True, False])
async def test_what_an_open_transaction_holds_back_is_waited_for(
    context: ServiceContext, topic: Topic, inputs: InputTopics, commit: bool
) -> None:
    async with running_intake(context), topic.producer(transactional_id=f"{topic.name}-open") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(topic.name, b"held back", partition=0)
        await topic.send(b"behind it")
        waiting = asyncio.create_task(inputs.wait_until_applied(await inputs.ends()))
        await asyncio.sleep(1.5)
        assert not waiting.done()
        assert await applied(context.engine) == []
        await (producer.commit_transaction() if commit else producer.abort_transaction())
        await asyncio.wait_for(waiting, PATIENCE)
        assert await applied(context.engine) == [*(["held back"] if commit else []), "behind it"]
