"""`tenure publish --wait` against a running stack: what it says became of each event, and its exit code."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from tenure.__main__ import main
from tenure.local.running import running
from tenure.local.stack import StackOptions

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "examples"
IN_ORDER: Final = re.findall(r"^\| \[([\w-]+\.json)\]", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ready_file(stack_options: Mapping[str, Any], tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Path]:
    async with running(StackOptions(**stack_options), say=print) as stack:
        file = tmp_path_factory.mktemp("ready") / "ready.json"
        file.write_text(json.dumps(stack.document()))
        yield file


@pytest.fixture(autouse=True)
def prefix(stack_options: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_TOPIC_PREFIX", stack_options["environment"]["TENURE_TOPIC_PREFIX"])


async def published(capsys: pytest.CaptureFixture[str], ready_file: Path, *files: Path) -> tuple[int, list[str]]:
    """The exit code, and the result of each event."""
    capsys.readouterr()
    arguments = ["publish", "--wait", "--json", "--ready-file", str(ready_file), *map(str, files)]
    code = await asyncio.to_thread(main, arguments)
    document = json.loads(capsys.readouterr().out)
    return code, [f"{each['result']} {each['detail']}".strip() for each in document["results"]]


async def shown(capsys: pytest.CaptureFixture[str], ready_file: Path) -> tuple[int, dict[str, Any]]:
    """The exit code of `tenure account`, and what it shows of the account of the examples."""
    capsys.readouterr()
    code = await asyncio.to_thread(main, ["account", "acct-1001", "--ready-file", str(ready_file), "--json"])
    return code, json.loads(capsys.readouterr().out)


async def as_today(file: str, capsys: pytest.CaptureFixture[str], ready_file: Path) -> Path:
    """The example; an extension with the present E in it, as `examples/README.md` says."""
    if file != "extension.json":
        return EXAMPLES / file
    event = json.loads((EXAMPLES / file).read_text("utf-8"))
    _, account = await shown(capsys, ready_file)
    event["data"]["expected_expires_on"] = account["state"]["expires_on"]
    changed = ready_file.with_name(file)
    changed.write_text(json.dumps(event))
    return changed


async def test_the_examples_are_applied_in_the_order_of_their_table_and_are_duplicates_afterwards(
    ready_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again = []
    for file in IN_ORDER:
        again.append(await as_today(file, capsys, ready_file))
        assert (file, await published(capsys, ready_file, again[-1])) == (file, (0, ["applied"]))
    assert await published(capsys, ready_file, *again) == (0, ["duplicate"] * len(again))


async def test_an_account_is_shown_with_all_its_parts(ready_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, account = await shown(capsys, ready_file)
    assert (code, account["missing"], account["state"]["account_id"]) == (0, {}, "acct-1001")
    assert all(account[part] for part in ("orders", "notifications", "timeline"))
    assert await asyncio.to_thread(main, ["account", "stranger", "--ready-file", str(ready_file)]) == 1
    assert capsys.readouterr().err == "tenure account: nothing is known of this account\n"


async def test_a_rejection_a_wait_and_a_dead_letter_are_told_apart(
    ready_file: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    order = json.loads((EXAMPLES / "purchase.json").read_text("utf-8"))
    order |= {"id": "second", "data": order["data"] | {"order_id": "second"}}
    waits = {"type": "tenure.renewal.declined.v1", "data": {"account_id": "nobody-yet"}}
    broken = {"topic": "purchases", "event": {"type": "tenure.unknown.v1"}}
    file = tmp_path / "events.json"
    file.write_text(json.dumps([order, waits, broken], indent=2))
    code, results = await published(capsys, ready_file, file)
    assert (code, results[:2]) == (
        1,
        ["rejected already_subscribed", "waiting for a purchase of this account (R40)"],
    )
    assert results[2].startswith("dead letter not_cloudevents: ")
