"""What became of single records, for a sender who asks, while others publish on the same topics at the same time."""

import asyncio
import json
from typing import Any, Final

import pytest

from shared.contracts.topics import PURCHASES, RENEWALS, TOPIC_OF_TYPE
from tenure.event_files import Message
from tenure.event_results import EventResult
from tenure.publishing import ResultWaiter
from tests.integration.subscription.serving import World
from tests.kit.events import account, credit, event, purchase, renewal, unused
from tests.kit.tokens import bearer, operator

pytestmark = pytest.mark.asyncio(loop_scope="module")
OTHERS: Final = 40


def message(event: Any, topic: str | None = None) -> Message:
    return Message(place="here", topic=topic or TOPIC_OF_TYPE[event["type"]], event=event)


async def published(world: World, *messages: Message) -> list[str]:
    """The results, as `tenure publish --wait` finds them."""
    waiter = ResultWaiter(world.settings, service=str(world.client.base_url), seconds=30)
    return [told(each) for each in await waiter.publish(messages, acknowledged=lambda _: None)]


def told(each: EventResult) -> str:
    return f"{each.result} {each.detail}".strip()


@pytest.mark.rule("R39")
async def test_each_event_has_its_own_result_whatever_others_publish_at_the_same_time(world: World) -> None:
    who, other = account(), account()
    first, second = credit(who, "5.00"), credit(who, "6.00")
    same_entry = credit(who, "5.00", entry_id=first["data"]["entry_id"])
    other_content = credit(who, "7.00", entry_id=first["data"]["entry_id"])
    assert await published(world, message(first)) == ["applied"]
    noise = [credit(other, "1.00") for _ in range(OTHERS)]
    rush = asyncio.create_task(world.publish(*noise, *noise, credit(other, "9.00", entry_id="x y")))
    results = await published(world, *map(message, (second, first, same_entry, other_content, second)))
    await rush
    assert results == [
        "applied",
        "duplicate",
        "duplicate",
        "dead letter id_conflict: entry_id: spent by other content",
        "duplicate",
    ]


async def test_facts_without_a_lifecycle_event_orders_and_what_is_no_event_are_told_alike(world: World) -> None:
    who = account()
    messages = [
        message(event("server.registered", world.now, account_id=who, server_id="s-1", cores=4)),
        message(event("configuration.removed", world.now, account_id=who, kind="tag", key="none")),
        message(purchase(who, world.now)),
        message(purchase(who, world.now)),
        message(renewal(who, world.now, duration_months=13)),
        message({"type": "tenure.unknown.v1"}, PURCHASES),
        message("no event at all", PURCHASES),
    ]
    results = [await published(world, each) for each in messages]
    assert [each for [each] in results][:5] == [
        *("applied", "applied", "applied", "rejected already_subscribed", "rejected invalid_duration"),
    ]
    assert [each.split(":")[0] for [each] in results[5:]] == ["dead letter not_cloudevents"] * 2


@pytest.mark.rule("R40")
async def test_a_receipt_of_what_waits_follows_it_to_its_end(world: World) -> None:
    who, receipt = account(), unused("receipt")
    waits = renewal(who, world.now)
    assert await published(world, message(waits)) == ["waiting for a purchase of this account (R40)"]
    again = renewal(who, world.now)
    await world._producer.send_and_wait(
        world.name("renewals"), json.dumps(again).encode(), partition=1, headers=[("tenure-receipt", receipt.encode())]
    )
    await world.settle()
    assert await outcomes(world, receipt) == [("waiting", "purchase")]
    await world.publish(purchase(who, world.now))
    await world.settle()
    assert await outcomes(world, receipt) == [("applied", "")]


@pytest.mark.rule("R40")
async def test_an_outcome_that_is_expected_has_no_receipt_and_the_stored_position_tells_of_it(world: World) -> None:
    fine, waits, receipt = purchase(account(), world.now), renewal(account(), world.now), unused("receipt")
    headers = [("tenure-receipt", receipt.encode()), ("tenure-receipt-unless", b"applied")]
    for each in (fine, fine, waits):
        await world.publish_raw(TOPIC_OF_TYPE[each["type"]], json.dumps(each).encode(), headers=headers)
    await world.settle()
    bought = await receipts(world, receipt, PURCHASES, 0)
    last = max(one.offset for one in await world.records(PURCHASES) if one.partition == 0)
    assert bought["next_offset"] == last + 1
    assert [(each["offset"], each["outcome"]) for each in bought["receipts"]] == [(last, "duplicate")]
    assert [each["outcome"] for each in (await receipts(world, receipt, RENEWALS, 0))["receipts"]] == ["waiting"]
    await world.publish(purchase(waits["subject"], world.now))
    await world.settle()
    assert [each["outcome"] for each in (await receipts(world, receipt, RENEWALS, 0))["receipts"]] == ["applied"]


async def test_who_does_not_ask_or_asks_with_what_is_no_id_has_no_receipt(world: World) -> None:
    await world.publish_raw(PURCHASES, b"{}", headers=[("tenure-receipt", b"no id")])
    await world.settle()
    answer = await world.client.get("/api/receipts/none?topic=purchases&partition=0", headers=operator())
    assert answer.json()["receipts"] == []
    for headers, status in ((bearer("ops"), 403), ({}, 401)):
        answer = await world.client.get("/api/receipts/none?topic=purchases&partition=0", headers=headers)
        assert answer.status_code == status


async def test_a_service_that_does_not_answer_is_said_to_be_away(world: World) -> None:
    waiter = ResultWaiter(world.settings, service="http://127.0.0.1:1", seconds=0.5)
    [result] = await waiter.publish([message(credit(account(), "1.00"))], acknowledged=lambda _: None)
    assert told(result).startswith("unknown the subscription service at http://127.0.0.1:1 did not answer")


async def outcomes(world: World, receipt: str) -> list[tuple[str, str]]:
    found = await receipts(world, receipt, RENEWALS, 1)
    return [(each["outcome"], each["detail"]) for each in found["receipts"]]


async def receipts(world: World, receipt: str, topic: str, partition: int) -> Any:
    path = f"/api/receipts/{receipt}?topic={topic}&partition={partition}"
    return (await world.client.get(path, headers=operator())).json()
