"""`tenure extend --cohort`: all that the filters choose are extended, each once, however often the command runs."""

import asyncio
import io
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.topics import RENEWALS
from tenure.__main__ import main
from tenure.acts import Performer
from tenure.cohorts import Cohort, Member, write_journal
from tests.integration.subscription.serving import World
from tests.kit.events import account, purchase, renewal, unused

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.rule("R47"),
    pytest.mark.usefixtures("ready_file"),
]
PERFORMER = Performer("o.perez", "outage of 3 May")


async def run(name: str, *arguments: str, yes: bool = True, days: int = 3) -> int:
    who = ["--operator", PERFORMER.operator, "--reason", PERFORMER.reason]
    words = ["extend", "--cohort", name, "--days", str(days), *who, *(["--yes"] if yes else []), *arguments]
    return await asyncio.to_thread(main, words)


async def bought(world: World, *months: int) -> list[str]:
    """Accounts with so many months each, so that filters by E tell them apart."""
    names = [account() for _ in months]
    orders = [purchase(who, world.now, duration_months=count) for who, count in zip(names, months, strict=True)]
    await world.publish(*orders)
    await world.settle()
    return names


async def ends(world: World, names: Sequence[str]) -> list[date]:
    return [date.fromisoformat((await world.get(who))["expires_on"]) for who in names]


def journal(name: str) -> list[list[str]]:
    return [line.split(",") for line in Path(f"tenure-extend-{name}.csv").read_text().splitlines()[1:]]


async def test_all_that_the_filters_choose_are_extended_and_the_same_command_again_repeats_nothing(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name, (one, two, later) = unused("cohort"), await bought(world, 5, 5, 6)
    before = await ends(world, [one, two, later])
    window = ["--expires-from", str(before[0]), "--expires-to", str(before[0])]
    assert await run(name, *window) == 0
    printed = capsys.readouterr().out
    assert one in printed
    assert later not in printed
    assert printed.endswith(f"2 applied\nwhat became of each is in tenure-extend-{name}.csv\n")
    moved = [before[0] + timedelta(days=3)] * 2 + [before[2]]
    assert await ends(world, [one, two, later]) == moved
    assert await run(name, *window, "--json") == 0
    assert json.loads(capsys.readouterr().out)["outcomes"] == {"applied": 2}
    assert [row[-2] for row in journal(name)] == ["applied", "applied"]
    assert await ends(world, [one, two, later]) == moved
    assert [await world.kinds(who) for who in (one, two)] == [["activated", "extended"]] * 2
    Path(f"tenure-extend-{name}.csv").unlink()
    assert await run(name, "--expires-from", str(moved[0]), "--expires-to", str(moved[0])) == 1
    assert "2 rejected: order_conflict" in capsys.readouterr().out
    assert await ends(world, [one, two, later]) == moved


async def test_an_interrupted_command_says_that_it_goes_on_when_it_is_repeated(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any, **__: Any) -> Cohort:
        raise KeyboardInterrupt

    name, (who,) = unused("cohort"), await bought(world, 9)
    [before] = await ends(world, [who])
    window = ["--expires-from", str(before), "--expires-to", str(before)]
    with monkeypatch.context() as patched:
        patched.setattr("tenure.cohorts.extend", interrupted)
        assert await run(name, *window) == 130
    said = capsys.readouterr().err
    assert said == "tenure extend: interrupted; the same command goes on where this one stopped\n"
    assert await run(name, *window) == 0
    assert await ends(world, [who]) == [before + timedelta(days=3)]


async def test_who_is_extended_is_shown_before_and_without_a_yes_nothing_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name, (who,) = unused("cohort"), await bought(world, 7)
    [before] = await ends(world, [who])
    sent = len(await world.records(RENEWALS))
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert await run(name, "--expires-from", str(before), "--expires-to", str(before), yes=False) == 1
    printed = capsys.readouterr()
    assert who in printed.out
    assert printed.err.startswith("Extend 1 subscription by 3 days? [y/N] ")
    assert not Path(f"tenure-extend-{name}.csv").exists()
    assert len(await world.records(RENEWALS)) == sent


async def test_it_goes_on_where_it_was_cut_off_and_refusals_are_told_by_code(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name, (done, open_, moved) = unused("cohort"), await bought(world, 8, 8, 8)
    before = await ends(world, [done, open_, moved])
    first, *rest = [Member(who, str(end)) for who, end in zip((done, open_, moved), before, strict=True)]
    begun = Cohort(name=name, days=3, performer=PERFORMER, members=[first])
    write_journal(Path(f"tenure-extend-{name}.csv"), begun)
    assert await run(name) == 0
    write_journal(
        Path(f"tenure-extend-{name}.csv"), Cohort(name=name, days=3, performer=PERFORMER, members=[first, *rest])
    )
    await world.publish(renewal(moved, world.now))
    await world.settle()
    capsys.readouterr()
    assert await run(name, "--edition", "basic") == 1
    printed = capsys.readouterr()
    assert "says who is in the cohort; filters are not asked again" in printed.err
    assert "1 rejected: expectation_failed\n1 duplicate, 1 applied, 1 rejected\n" in printed.out
    assert [row[-2] for row in journal(name)] == ["duplicate", "applied", "rejected"]
    after = await ends(world, [done, open_])
    assert after == [end + timedelta(days=3) for end in before[:2]]


@pytest.mark.parametrize("remembers", [True, False])
@pytest.mark.rule("R39")
async def test_a_refusal_is_told_again_by_every_later_run_also_where_the_first_was_killed_before_it_wrote_it_down(
    world: World, capsys: pytest.CaptureFixture[str], *, remembers: bool
) -> None:
    name, (moved, other) = unused("cohort"), await bought(world, 8, 8)
    before = await ends(world, [moved, other])
    members = [Member(who, str(end)) for who, end in zip((moved, other), before, strict=True)]
    begun = Cohort(name=name, days=3, performer=PERFORMER, members=members)
    write_journal(Path(f"tenure-extend-{name}.csv"), begun)
    await world.publish(renewal(moved, world.now))
    await world.settle()
    assert await run(name) == 1
    if not remembers:
        write_journal(Path(f"tenure-extend-{name}.csv"), begun)
    capsys.readouterr()
    assert await run(name) == 1
    applied = "applied" if remembers else "duplicate"
    earlier = "2 of them by an earlier run, which this one has not changed\n" if remembers else ""
    assert f"1 rejected: expectation_failed\n1 rejected, 1 {applied}\n{earlier}what became" in capsys.readouterr().out
    assert [row[-2:] for row in journal(name)] == [["rejected", "expectation_failed"], [applied, ""]]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "line 1: expected account_id,"),
        ("account_id\n", "line 1: expected account_id,"),
        ('account_id,expected_expires_on,days,operator,reason,outcome,why\na,2026-01-01,4,o.perez,outage of 3 May,,\n',
         "line 2: this cohort was begun with other days, operator or reason"),
        ('"a\n', "is no CSV"),
    ],
)  # fmt: skip
async def test_the_journal_of_another_extension_stops_it(
    world: World, capsys: pytest.CaptureFixture[str], content: str, fault: str
) -> None:
    name, sent = unused("cohort"), len(await world.records(RENEWALS))
    Path(f"tenure-extend-{name}.csv").write_text(content)
    assert await run(name) == 1
    assert fault in capsys.readouterr().err
    assert len(await world.records(RENEWALS)) == sent


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["acct-1", "--cohort", "spring"],
        ["acct-1", "--edition", "basic"],
        ["--cohort", "spring", "--expected", "2026-01-01"],
    ],
)
async def test_it_is_one_account_or_a_cohort(capsys: pytest.CaptureFixture[str], words: list[Any]) -> None:
    assert await asyncio.to_thread(main, ["extend", *words, "--days", "3", "--reason", "outage", "--yes"]) == 2
    assert "expected either an ACCOUNT, or --cohort NAME" in capsys.readouterr().err


async def test_a_name_that_is_no_id_and_a_reason_that_is_too_long_are_refused(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run("../spring") == 2
    assert "expected letters, digits" in capsys.readouterr().err
    [who] = await bought(world, 9)
    [end] = await ends(world, [who])
    words = ["extend", "--cohort", unused("cohort"), "--days", "3", "--reason", "x" * 501, "--yes"]
    assert await asyncio.to_thread(main, [*words, "--expires-from", str(end)]) == 1
    assert "data.reason: " in capsys.readouterr().err
    assert await ends(world, [who]) == [end]


async def test_filters_that_fit_nobody_begin_no_journal_so_that_other_filters_can_be_given(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    name, [one] = unused("cohort"), await bought(world, 7)
    [before] = await ends(world, [one])
    assert await run(name, "--state", "released", "--expires-from", "2999-01-01") == 0
    assert capsys.readouterr().out.strip() == "nobody to extend"
    assert not Path(f"tenure-extend-{name}.csv").exists()
    assert await run(name, "--expires-from", str(before), "--expires-to", str(before)) == 0
    assert await ends(world, [one]) == [before + timedelta(days=3)]
