"""What comes twice counts once, and an id that is spent stays spent (R39).

One copy serves all tests of this module. Each has accounts of its own and compares counters with those before it, so
their order does not matter; the clock goes on from test to test.
"""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from tests.integration.subscription.serving import World
from tests.kit.events import account, credit, event, purchase, renewal, unused

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.rule("R39")]


async def test_the_same_event_twice_changes_nothing_and_says_nothing(world: World) -> None:
    who = account()
    bought, paid = purchase(who, world.now), credit(who, "10.00")
    before = await world.counted()
    await world.publish(bought, bought, paid, paid, bought)
    await world.settle()
    await world.publish(paid)
    await world.settle()
    assert await world.kinds(who) == ["activated"]
    assert (await world.get(who))["balance"] == "10.00"
    assert await world.counted() - before == {"applied": 2, "duplicate": 4}


async def test_the_same_order_in_another_event_is_a_duplicate(world: World) -> None:
    who = account()
    bought = purchase(who, world.now)
    before = await world.counted()
    await world.publish(bought, {**bought, "id": unused("evt")})
    await world.settle()
    assert await world.kinds(who) == ["activated"]
    assert await world.counted() - before == {"applied": 1, "duplicate": 1}


async def test_an_order_id_with_other_content_is_rejected_and_a_rejected_one_is_spent_too(world: World) -> None:
    who = account()
    await world.publish(purchase(who, world.now))
    refused = renewal(who, world.now, duration_months=13)
    await world.publish(refused, renewal(who, world.now, order_id=refused["data"]["order_id"]))
    await world.settle()
    rejections = [one["data"]["code"] for one in (await world.lifecycle(who))[1:]]
    assert rejections == ["invalid_duration", "order_conflict"]


async def test_an_order_id_of_another_account_is_spent_as_well(world: World) -> None:
    who, other = account(), account()
    bought = purchase(who, world.now)
    await world.publish(bought)
    await world.settle()
    await world.publish(purchase(other, world.now, order_id=bought["data"]["order_id"]))
    await world.settle()
    assert [one["data"]["code"] for one in await world.lifecycle(other)] == ["order_conflict"]


async def test_a_rejected_order_once_more_is_a_duplicate_and_says_nothing(world: World) -> None:
    who = account()
    refused = purchase(who, world.now, terms_accepted=False)
    await world.publish(refused, {**refused, "id": unused("evt")})
    await world.settle()
    assert [one["data"]["code"] for one in await world.lifecycle(who)] == ["terms_not_accepted"]


async def test_an_entry_id_is_spent_over_all_accounts_but_not_for_orders(world: World) -> None:
    who, other = account(), account()
    paid = credit(who, "10.00")
    entry = paid["data"]["entry_id"]
    await world.publish(paid, credit(other, "10.00", entry_id=entry), purchase(who, world.now, order_id=entry))
    await world.settle()
    assert await world.dead_letters(other) == ["id_conflict"]
    assert await world.kinds(who) == ["activated"]


async def test_an_entry_id_with_other_content_is_a_dead_letter_that_spends_no_id(world: World) -> None:
    who = account()
    paid = credit(who, "10.00")
    conflicting = credit(who, "99.00", entry_id=paid["data"]["entry_id"])
    before = await world.counted()
    await world.publish(paid, conflicting)
    await world.settle()
    await world.publish(conflicting, paid)
    await world.settle()
    assert await world.dead_letters(who) == ["id_conflict", "id_conflict"]
    assert await world.counted() - before == {"applied": 1, "dead_letter": 2, "duplicate": 1}
    assert (await world.get(who))["balance"] == "10.00"


async def test_a_coupon_id_with_other_content_is_a_dead_letter(world: World) -> None:
    who = account()
    usual: dict[str, Any] = {"coupon_id": unused("coupon"), "minimum_spend": "0.00"}
    dates: dict[str, Any] = {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    await world.publish(
        event("coupon.issued", account_id=who, percent_off=10, **usual, **dates),
        event("coupon.issued", account_id=who, percent_off=90, **usual, **dates),
    )
    await world.settle()
    assert await world.dead_letters(who) == ["id_conflict"]


async def test_a_dead_letter_is_replayed_and_then_counts(world: World) -> None:
    who = account()
    ahead = world.now + timedelta(minutes=6)
    await world.publish(purchase(who, ahead))
    await world.settle()
    assert await world.dead_letters(who) == ["time_in_future"]
    await world.settle(ahead)
    _replay(world, "time_in_future")
    await world.settle()
    assert await world.kinds(who) == ["activated"]
    assert await world.dead_letters(who) == ["time_in_future"]


def _replay(world: World, reason: str) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    ours["TENURE_TOPIC_PREFIX"] = world.settings.topic_prefix
    command = [sys.executable, "-m", "tenure", "dead-letters", "replay", "--reason", reason]
    command += ["--kafka", world.settings.kafka_bootstrap_servers]
    done = subprocess.run(command, env=ours, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 dead letter replayed"), done.stderr


async def test_no_value_and_header_bytes_that_are_no_text_become_a_dead_letter_as_received(world: World) -> None:
    odd = b"\xff\xfe\x00"
    await world.publish_raw("purchases", None, headers=[("odd", odd)])
    await world.settle()
    [letter] = [one for one in await world.records("dead-letters") if one.value is None]
    headers = dict(letter.headers)
    assert (letter.key, headers["odd"]) == (None, odd)
    assert headers["dead-letter-reason"] == b"not_json"
    assert headers["dead-letter-topic"].decode() == world.name("purchases")
