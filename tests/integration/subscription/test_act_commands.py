"""The commands of acts, against a running service: they ask, send, say what became of it, and act once."""

import asyncio
import io
import json
from datetime import date, timedelta
from typing import Any

import pytest

from shared.contracts.topics import PURCHASES
from tenure.__main__ import main
from tests.integration.subscription.serving import World
from tests.kit.events import account, credit, purchase, renewal
from tests.kit.interrupting import INTERRUPTED, interrupted_at_a_silent_broker

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("ready_file")]
WHY = ["--operator", "o.perez", "--reason", "ticket 4711"]


async def known(world: World, *events: dict[str, Any]) -> str:
    """An account with a subscription and a balance of 100.00, after these events."""
    name = account()
    await world.publish(purchase(name, world.now), credit(name, "100.00") | {"time": world.now.isoformat()}, *events)
    await world.settle()
    return name


async def run(*arguments: str) -> int:
    return await asyncio.to_thread(main, [*arguments, *WHY])


@pytest.mark.rule("R45")
async def test_the_same_debit_twice_counts_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    who = await known(world)
    assert await run("debit", who, "30.5", "--yes") == 0
    assert capsys.readouterr().out.startswith("applied: tenure.account.debited.v1 ")
    assert await run("debit", who, "30.50", "--yes") == 0
    assert capsys.readouterr().out.startswith("duplicate: ")
    assert await run("debit", who, "30.50", "--yes", "--id", f"another-{who}", "--json") == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["result"], done["event"]["data"]["operator"]) == ("applied", "o.perez")
    assert (await world.get(who))["balance"] == "39.00"


async def test_an_act_that_is_interrupted_says_that_it_may_be_repeated(world: World) -> None:
    arguments = ["debit", await known(world), "30.50", "--yes", *WHY]
    told = await asyncio.to_thread(interrupted_at_a_silent_broker, arguments)
    assert told == (INTERRUPTED, "tenure debit: interrupted; the same command goes on where this one stopped")


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1), ("", 1)])
async def test_an_act_is_sent_only_after_a_yes(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str, code: int
) -> None:
    who = await known(world)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert await run("debit", who, "1") == code
    printed = capsys.readouterr().err
    assert printed.startswith(f"Take 1.00 USD off the balance of {who}, which is 100.00? [y/N] ")
    assert printed.endswith("tenure debit: nothing was sent; --yes sends without asking\n") == (code == 1)
    assert (await world.get(who))["balance"] == ("99.00" if code == 0 else "100.00")


@pytest.mark.rule("R45")
async def test_a_coupon_is_revoked_and_a_second_time_as_well(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    who = await known(world)
    for _ in range(2):
        assert await run("revoke-coupon", who, f"k-{who}", "--yes") == 0
        assert capsys.readouterr().out.startswith("applied: tenure.coupon.revoked.v1 ")


@pytest.mark.rule("R46")
async def test_a_renewal_is_taken_back_and_a_second_time_nothing_happens(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await known(world)
    order = renewal(who, world.now)
    await world.publish(order)
    await world.settle()
    for _ in range(2):
        assert await run("cancel-renewal", who, order["data"]["order_id"], "--yes") == 0
        assert capsys.readouterr().out.startswith("applied: tenure.renewal.cancelled.v1 ")
    assert (await world.kinds(who))[1:] == ["renewed", "renewal_cancelled"]
    assert await run("cancel-renewal", who, "another", "--yes") == 1
    assert capsys.readouterr().out.startswith("rejected (order_not_pending): ")
    statuses = {listed["order_id"]: listed["status"] for listed in (await world.get(f"{who}/orders"))["orders"]}
    assert statuses[order["data"]["order_id"]] == "cancelled"


@pytest.mark.rule("R47")
async def test_an_extension_expects_the_e_that_is_shown(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    who = await known(world)
    before = (await world.get(who))["expires_on"]
    assert await run("extend", who, "--days", "3", "--yes") == 0
    assert capsys.readouterr().out.startswith("applied: tenure.subscription.extended.v1 ")
    assert await run("extend", who, "--days", "3", "--yes", "--expected", before) == 0
    assert capsys.readouterr().out.startswith("duplicate: ")
    for _ in range(2):
        assert await run("extend", who, "--days", "2", "--yes", "--expected", before) == 1
        assert capsys.readouterr().out.startswith("rejected (expectation_failed): ")
    after = (await world.get(who))["expires_on"]
    assert date.fromisoformat(after) - date.fromisoformat(before) == timedelta(days=3)


@pytest.mark.rule("R48")
async def test_a_person_is_forgotten_and_a_second_time_nothing_is_said(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await known(world)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert await run("erase", who) == 0
    printed = capsys.readouterr()
    assert printed.err == f"Forget the person behind {who} for good? Its state stays active. [y/N] "
    assert printed.out.startswith("applied: tenure.account.erased.v1 ")
    assert await run("erase", who, "--yes") == 0
    assert (await world.kinds(who)) == ["activated", "erased"]


@pytest.mark.rule("R47")
async def test_of_two_operators_who_extend_at_once_one_is_refused_and_nothing_adds_up(world: World) -> None:
    who = await known(world)
    before = (await world.get(who))["expires_on"]
    words = ["extend", who, "--days", "3", "--expected", before, "--yes", "--reason", "outage"]
    both = [asyncio.to_thread(main, [*words, "--operator", name]) for name in ("o.perez", "l.chen")]
    assert sorted(await asyncio.gather(*both)) == [0, 1]
    after = (await world.get(who))["expires_on"]
    assert date.fromisoformat(after) - date.fromisoformat(before) == timedelta(days=3)
    assert sorted((await world.kinds(who))[1:]) == ["extended", "order_rejected"]


@pytest.mark.rule("R45")
async def test_a_debit_may_take_the_balance_below_zero_and_no_amount_is_zero_or_less(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await known(world)
    assert await run("debit", who, "130.00", "--yes") == 0
    assert (await world.get(who))["balance"] == "-30.00"
    for amount in ("0", "0.00", "1.234", "1e3", "1,50", "much"):
        assert await run("debit", who, amount, "--yes") == 2
        assert f"{amount!r} is no amount above 0.00" in " ".join(capsys.readouterr().err.split())
    assert await run("debit", "--yes", "--", who, "-5.00") == 2
    assert (await world.get(who))["balance"] == "-30.00"


@pytest.mark.parametrize(
    "act",
    [
        ["debit", "nobody", "1.00"],
        ["revoke-coupon", "nobody", "k-1"],
        ["cancel-renewal", "nobody", "r-1"],
        ["extend", "nobody", "--days", "3"],
        ["erase", "nobody"],
    ],
)
async def test_an_account_of_which_nothing_is_known_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], act: list[str]
) -> None:
    before = len(await world.records(PURCHASES))
    assert await run(*act, "--yes") == 1
    assert capsys.readouterr().err == f"tenure {act[0]}: There is no such account.\n"
    assert len(await world.records(PURCHASES)) == before


async def test_what_the_contract_refuses_is_not_sent(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    who = await known(world)
    assert await asyncio.to_thread(main, ["debit", who, "1", "--yes", "--reason", "x" * 501]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("tenure debit: the act: data.reason: ")
    assert printed.endswith("Nothing was sent.\n")
