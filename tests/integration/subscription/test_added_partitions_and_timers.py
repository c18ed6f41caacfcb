"""An order on an added partition counts as in time, and holds up timers and the test clock only shortly."""

import json
from datetime import timedelta

import pytest

from shared.contracts.topics import RENEWALS
from tests.integration.shared.environment import Topic
from tests.integration.subscription.samples import BEGINS
from tests.integration.subscription.serving import World
from tests.kit.events import account, purchase, renewal

AFTER_EXPIRY = BEGINS + timedelta(days=40)


@pytest.mark.rule("R4", "G5")
async def test_a_renewal_on_an_added_partition_counts_as_in_time_and_timers_run_within_30_s(service: World) -> None:
    renewed, expired = account(), account()
    await service.publish(purchase(renewed, BEGINS), purchase(expired, BEGINS))
    await service.settle()
    topic, added = Topic(RENEWALS, service.settings), service.settings.topic_partitions
    await topic.grow(added + 1)
    await topic.send(json.dumps(renewal(renewed, BEGINS)).encode(), partition=added)
    await service.settle(AFTER_EXPIRY)
    assert (await service.kinds(renewed))[:2] == ["activated", "renewed"]
    assert "expired" in await service.kinds(expired)
    await service.ready()
