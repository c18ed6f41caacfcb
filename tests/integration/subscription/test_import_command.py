"""`tenure import` against a running service: all or nothing, in silence, and a second run repeats nothing (R42)."""

import asyncio
import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.topics import PURCHASES, SERVER_INVENTORY
from subscription_service.policy_files.rules import load_rules
from tenure.__main__ import main
from tenure.import_plan import plan
from tests.integration.subscription.serving import World
from tests.kit.events import account, purchase

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rule("R42", "R44"),
    pytest.mark.usefixtures("ready_file"),
]
HEAD = "account_id,name,email,order_id,starts_at,months,expires_on,edition,protection_mode,protected_servers,balance"


def row(world: World, who: str, *, mode: str = "full", servers: int = 3, balance: str = "20.00", ago: int = 0) -> str:
    """Bought ten days ago, for a term that ends in about three weeks; or so many days earlier."""
    start, end = world.now - timedelta(days=10 + ago), world.now + timedelta(days=20 - ago)
    return (
        f"{who},Ann,ann@example.com,ord-{who},{start.isoformat()},1,{end:%Y-%m-%d},advanced,{mode},{servers},{balance}"
    )


async def run(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["import", *arguments])


def reported(file: str = "tenure-import-report.csv") -> dict[str, tuple[str, str]]:
    return {
        each["account_id"]: (each["outcome"], each["why"])
        for each in csv.DictReader(Path(file).read_text(errors="surrogateescape").splitlines())
    }


async def test_subscriptions_come_with_servers_and_balances_and_nothing_else_is_published(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    full, partial, over = account(), account(), account()
    rows = [row(world, full), row(world, partial, mode="partial"), row(world, over, servers=1, balance="")]
    Path("old.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    servers = [f"{who},s-{number},4,{number == 1}" for who in (full, partial, over) for number in (1, 2)]
    Path("servers.csv").write_text("\n".join(["account_id,server_id,cores,bound", *servers]).lower() + "\n")
    assert await run("old.csv", "servers.csv") == 0
    assert "3 taken" in capsys.readouterr().out
    for who in (full, partial, over):
        assert await world.kinds(who) == ["imported"]
    document = await world.get(partial)
    assert (document["bound"]["servers"], document["registered"]["servers"]) == (1, 2)
    assert document["balance"] == "20.00"
    assert [one["data"]["quota_exceeded"] for one in await world.lifecycle(over)] == [True]
    before = await world.counted()
    assert await run("old.csv", "servers.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {
        "taken": 0,
        "taken before": 3,
        "refused": 0,
        "invalid": 0,
        "unknown": 0,
        "report": "tenure-import-report.csv",
    }
    assert await world.counted() - before == {"duplicate": 8}
    assert (await world.get(full))["balance"] == "20.00"


async def test_nothing_is_sent_where_the_report_cannot_be_written_and_an_unreachable_contact_is_named_before(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = account()
    Path("old.csv").write_text("\n".join([HEAD, row(world, who).replace("ann@example.com", "ann")]) + "\n")
    Path("taken").mkdir()
    assert await run("old.csv", "--report", "taken") == 1
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "old.csv, line 2, column email: no mail can reach the contact: the address has no @",
        "tenure import: taken: Is a directory",
    ]
    assert await world.kinds(who) == []
    odd = Path("old.csv").rename("old\udcff.csv")  # names of files are bytes
    assert await run(str(odd)) == 0
    assert reported()[who] == ("taken", "")


async def test_a_report_that_the_disk_has_no_room_for_is_named_and_what_was_decided_stands(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    who = account()
    Path("old.csv").write_text("\n".join([HEAD, row(world, who)]) + "\n")
    assert await run("old.csv", "--report", "/dev/full") == 1
    assert capsys.readouterr().err == (
        "tenure import: /dev/full: No space left on device;"
        " what was decided stands, and the same command writes the report again\n"
    )
    assert await run("old.csv") == 0
    assert reported()[who] == ("taken before", "")


async def test_what_is_refused_gets_no_money_neither_then_nor_in_a_second_run(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    live, fine = account(), account()
    await world.publish(purchase(live, world.now))
    await world.settle()
    Path("old.csv").write_text("\n".join([HEAD, row(world, live), row(world, fine)]) + "\n")
    assert await run("old.csv") == 1
    assert f"line 2: {live} refused: already_subscribed" in capsys.readouterr().out
    assert reported() == {live: ("refused", "already_subscribed"), fine: ("taken", "")}
    assert await run("old.csv", "--report", "second.csv") == 1
    assert reported("second.csv")[live][0] == "refused"
    assert reported("second.csv")[fine] == ("taken before", "")
    assert (await world.get(live))["balance"] == "0.00"
    assert (await world.get(fine))["balance"] == "20.00"


async def test_an_order_id_that_is_spent_refuses_its_row_alone(world: World) -> None:
    spent, fine, who = account(), account(), account()
    order = purchase(who, world.now)
    await world.publish(order)
    await world.settle()
    rows = [row(world, spent).replace(f"ord-{spent}", order["data"]["order_id"]), row(world, fine)]
    Path("old.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    assert await run("old.csv") == 1
    assert reported() == {spent: ("refused", "order_conflict"), fine: ("taken", "")}
    assert await world.kinds(who) == ["activated"]


async def test_a_run_that_was_cut_off_is_completed_by_the_next(world: World) -> None:
    sent_only, whole = account(), account()
    Path("old.csv").write_text("\n".join([HEAD, row(world, sent_only), row(world, whole)]) + "\n")
    moves = plan([Path("old.csv")], {}, load_rules(world.settings), world.now).imports
    await world.publish(json.loads(moves[0].imported))
    await world.settle()
    assert await run("old.csv") == 0
    assert reported() == {sent_only: ("taken before", ""), whole: ("taken", "")}
    assert [(await world.get(who))["balance"] for who in (sent_only, whole)] == ["20.00"] * 2
    assert await world.kinds(sent_only) == ["imported"]


async def test_a_corrected_row_counts_anew_and_its_balance_does_not(world: World) -> None:
    who = account()
    wrong = row(world, who, ago=300)
    Path("old.csv").write_text(f"{HEAD}\n{wrong}\n")
    assert await run("old.csv") == 1
    assert reported()[who] == ("refused", "import_expired")
    Path("old.csv").write_text(f"{HEAD}\n{row(world, who)}\n")
    assert await run("old.csv") == 0
    Path("old.csv").write_text(f"{HEAD}\n{row(world, who, balance='25.00')}\n")
    assert await run("old.csv") == 1
    assert reported()[who][0] == "taken before"
    assert "id_conflict" in reported()[who][1]
    assert (await world.get(who))["balance"] == "20.00"


async def test_nothing_is_sent_where_one_row_is_wrong_nor_with_check(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    before = await sent(world)
    good, bad = row(world, account()), row(world, account()).replace("advanced", "gold")
    Path("old.csv").write_text(f"{HEAD}\n{good}\n{bad}\n")
    assert await run("old.csv") == 1
    printed = capsys.readouterr()
    assert "old.csv, line 3, column edition: " in printed.out
    assert printed.err.endswith("tenure import: nothing was sent\n")
    assert await run("--check", "old.csv") == 1
    Path("old.csv").write_text(f"{HEAD}\n{good}\n")
    assert await run("--check", "old.csv") == 0
    assert "1 subscription can be taken over, 0 faults" in capsys.readouterr().out
    assert await sent(world) == before


async def sent(world: World) -> list[int]:
    return [len(await world.records(topic)) for topic in (PURCHASES, SERVER_INVENTORY)]


async def test_a_field_that_does_not_exist_is_no_name_for_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    Path("old.csv").write_text(f"{HEAD}\n")
    assert await run("old.csv", "--map", "Kunde=account") == 2
    assert "--map Kunde=account: expected COLUMN=FIELD" in capsys.readouterr().err
