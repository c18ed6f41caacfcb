"""`tenure why`: every decision of an account with its reason, asked of a running notifier."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tenure import notifications
from tenure.__main__ import main
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import event
from tests.kit.events import account
from tests.kit.pipes import run_without_reader
from tests.kit.settings import NOBODY, write_ready_file
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually


@pytest.fixture(autouse=True)
def ready_file(notifier: RunningNotifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The ready file of a stack with this notifier."""
    monkeypatch.chdir(tmp_path)
    write_ready_file(notifier_url=str(notifier.client.base_url))


async def run_why(who: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = await asyncio.to_thread(main, ["why", who])
    return code, *capsys.readouterr()


async def test_every_decision_stands_in_the_table_with_its_reason(
    notifier: RunningNotifier,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    who = account()
    muted = {"muted": [{"kind": "renewed", "channel": "email"}]}
    await notifier.client.put("/api/preferences", headers=bearer(who), json=muted)
    await environment.publish(event("activated", who, 1), event("renewed", who, 2), event("contact_changed", who, 3))
    await eventually(lambda: _all_final(notifier, who, 5))
    monkeypatch.setattr(notifications, "PAGE_SIZE", 2)
    code, output, _ = await run_why(who, capsys)
    head, *lines = output.splitlines()
    assert code == 0
    assert head.split("  ")[0] == "decided at"
    rows = [line.split() for line in lines]
    assert sorted(row[1:4] for row in rows) == [
        ["activated", "email", "delivered"],
        ["activated", "inbox", "delivered"],
        ["contact_changed", "inbox", "delivered"],
        ["renewed", "email", "suppressed"],
        ["renewed", "inbox", "delivered"],
    ]
    assert next(row[-1] for row in rows if row[3] == "suppressed") == "muted"
    assert all(("a…@example.com" in row) == (row[2] == "email") for row in rows)
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert await asyncio.to_thread(main, ["why", who, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == (await notifier.decisions(who))[::-1]
    for more in ([], ["--json"]):
        command = [sys.executable, "-m", "tenure", "why", who, *more]
        assert await asyncio.to_thread(run_without_reader, command) == (0, "")


async def test_an_account_that_was_never_told_anything_is_said_to_be_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, _, trouble = await run_why(account(), capsys)
    assert (code, trouble) == (1, "tenure why: There is no such account.\n")


async def test_a_notifier_that_is_not_there_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    write_ready_file(notifier_url=NOBODY)
    code, _, trouble = await run_why("acc-1", capsys)
    assert code == 1
    assert "the notifier at http://127.0.0.1:1 did not answer" in trouble


async def _all_final(notifier: RunningNotifier, who: str, count: int) -> bool:
    found = await notifier.decisions(who)
    return len(found) == count and all(one["status"] in ("delivered", "suppressed") for one in found)


async def test_a_refusal_has_its_code_the_event_its_time_and_what_waits_its_next_attempt(
    notifier: RunningNotifier, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    who = account()
    await environment.publish(event("activated", who, 1), event("order_rejected", who, 2))
    await eventually(lambda: _all_final(notifier, who, 4))
    assert await asyncio.to_thread(main, ["why", who, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    codes = {(one["kind"], one["code"]) for one in found}
    assert {kind for kind, code in codes if code is None} == {"activated"}
    assert [code for kind, code in codes if kind == "order_rejected"] == [
        event("order_rejected", who, 2)["data"]["code"]
    ]
    assert all(one["event_time"] for one in found)
    _, output, _ = await run_why(who, capsys)
    assert [column for column in ("next attempt", "event time", "code", "recipient") if column not in output] == []
