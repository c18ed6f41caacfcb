"""`tenure account`: what the subscription service and the dead letters tell, and what is said of who is away."""

import asyncio
import json
import sys
from typing import Any

import pytest

from shared.contracts.topics import PURCHASES
from tenure.__main__ import main
from tests.integration.subscription.serving import World
from tests.kit.events import FINANCE, account, purchase, recipients_changed, renewal
from tests.kit.pipes import run_without_reader
from tests.kit.settings import NOBODY

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("ready_file")]


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    return await asyncio.to_thread(main, ["account", *arguments]), *capsys.readouterr()


async def subscribed(world: World) -> str:
    """An account with a subscription, a refused order and a dead letter."""
    who = account()
    broken = purchase(who, world.now) | {"type": "tenure.unknown.v1"}
    await world.publish(purchase(who, world.now, order_id=f"first-{who}"))
    await world.publish(recipients_changed(who, world.now))
    await world.publish(renewal(who, world.now, duration_months=13, order_id=f"refused-{who}"))
    await world.publish_raw(PURCHASES, json.dumps(broken).encode())
    await world.settle()
    return who


@pytest.mark.rule("R18", "R41")
async def test_everything_but_what_is_away_is_shown_and_that_is_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await subscribed(world)
    code, output, trouble = await run(capsys, who)
    assert code == 1
    assert trouble.startswith(f"tenure account: the notifier at {NOBODY} did not answer")
    first = ("state              active", "payable@example.org")
    for text in (*first, f"refused-{who}", "invalid_duration", "unknown_type", "expiry"):
        assert text in output
    code, output, _ = await run(capsys, who, "--json")
    shown: dict[str, Any] = json.loads(output)
    assert (code, shown["missing"].keys()) == (1, {"notifications"})
    assert shown["state"]["state"] == "active"
    assert {one["order_id"]: one["status"] for one in shown["orders"]} == {
        f"first-{who}": "effective",
        f"refused-{who}": "rejected",
    }
    assert [one["code"] for one in shown["refusals"]] == ["invalid_duration"]
    assert [one["reason"] for one in shown["dead_letters"]] == ["unknown_type"]
    assert "release" in [one["kind"] for one in shown["timeline"]]


@pytest.mark.rule("R40")
async def test_what_waits_for_a_purchase_is_shown_of_an_account_of_which_nothing_else_is_known(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = renewal(account(), world.now)
    await world.publish(waits)
    await world.settle()
    _, output, _ = await run(capsys, waits["subject"], "--json")
    shown = json.loads(output)
    assert [(one["type"], one["id"], one["topic"]) for one in shown["waiting"]] == [
        (waits["type"], waits["id"], "renewals")
    ]
    assert (shown["state"], shown["orders"]) == (None, [])


async def test_where_all_are_away_each_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = await run(capsys, "acme", "--service", NOBODY, "--kafka", "127.0.0.1:1", "--json")
    missing = json.loads(output)["missing"]
    assert (code, list(missing)) == (
        1,
        ["state", "recipients", "orders", "refusals", "waiting", "timeline", "notifications", "dead_letters"],
    )
    assert missing["timeline"].startswith(f"the subscription service at {NOBODY} did not answer")
    assert missing["dead_letters"].startswith("Kafka: ")


async def test_it_ends_quietly_when_its_reader_has_gone(world: World) -> None:
    who = await subscribed(world)
    code, trouble = await asyncio.to_thread(run_without_reader, [sys.executable, "-m", "tenure", "account", who])
    assert (code, trouble.count("\n")) == (1, 1)


@pytest.mark.rule("R48")
async def test_the_export_has_everything_whole_and_says_what_is_missing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await subscribed(world)
    code, output, trouble = await run(capsys, who, "--export")
    held = json.loads(output)
    assert (code, set(held["missing"])) == (1, {"recipient", "notifications", "messages", "preferences"})
    assert trouble.count("\n") == 1
    assert held["person"]["contact"]["email"] == "ann@example.com"
    first, *others = [one["type"].split(".")[2] for one in held["history"]]
    assert (first, sorted(others)) == ("activated", ["order_rejected", "recipients_changed"])
    assert held["person"]["recipients"] == [FINANCE]
    assert held["history"][0]["data"]["contact"]["name"] == "Ann"
    [letter] = held["dead_letters"]
    assert (json.loads(letter["value"])["data"]["contact"]["name"], letter["reason"]) == ("Ann", "unknown_type")
    assert held["state"]["state"] == "active"
    [stored] = held["person"]["dead_letters"]
    assert (stored["value"], stored["key"]) == (letter["value"], letter["key"])


@pytest.mark.rule("R48")
async def test_what_waits_is_exported_whole_also_where_nothing_else_is_known(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = renewal(account(), world.now)
    await world.publish(waits)
    await world.settle()
    _, output, _ = await run(capsys, waits["subject"], "--export")
    held = json.loads(output)
    assert (held["person"]["waiting"], held["person"]["contact"], held["history"]) == ([waits], None, [])
