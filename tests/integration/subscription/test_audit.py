"""`tenure audit`: silent about what the service made of a long scenario, and outspoken about anything else."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from shared.storage.database import connect, transaction
from subscription_service import policy_files
from subscription_service.audit import compare
from tenure.__main__ import main
from tests.integration.subscription.samples import purchase, specification
from tests.integration.subscription.serving import World
from tests.kit.events import FINANCE
from tests.kit.pipes import run_on_full_disk, run_without_reader

FILES = Path(policy_files.__file__).parent


@pytest.fixture(autouse=True)
def without_a_ready_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The command finds the database by nothing but what a test says."""
    monkeypatch.chdir(tmp_path)


async def live(service: World) -> None:
    """Accounts in every state, with refusals, failures, changes, bindings and money."""
    partial = specification("ultimate", servers=1, cores=8, protection_mode="partial")
    for account in ("auto", "short", "gone"):
        await service.send(account, "purchase.ordered", **purchase(f"p-{account}", auto_renewal=account != "gone"))
    await service.send("auto", "account.credited", entry_id="c-1", amount="500.00", currency="USD")
    await service.send("early", "account.credited", entry_id="c-2", amount="7.00", currency="USD")
    await service.send("early", "account.contact_changed", contact=purchase()["contact"])
    await service.send("early", "account.recipients_changed", recipients=[FINANCE])
    for number in range(4):
        await service.send("bound", "server.registered", server_id=f"s-{number}", cores=4)
    await service.send("bound", "purchase.ordered", **purchase("p-bound", specification=partial))
    await service.settle()
    for number in range(2):
        await service.send("bound", "server.bound", server_id=f"s-{number}")
    for account in ("bound", "gone"):
        await service.send(account, "configuration.recorded", kind="tag", key="prod", value=account)
    change = {"order_id": "p-auto", "specification": specification(servers=9), "terms_accepted": True}
    await service.send("auto", "specification.change_ordered", **change)
    await service.send("auto", "specification.change_ordered", **change | {"order_id": "ch-1"})
    await service.send("auto", "auto_renewal.enabled", cycle_months=3)
    for account in ("bound", "short", "short"):
        await service.send(account, "renewal.declined")
    await service.send("short", "auto_renewal.enabled", cycle_months=1)
    await service.settle(datetime(2026, 3, 3, tzinfo=UTC))
    await service.send("short", "renewal.ordered", order_id="r-1", duration_months=1, terms_accepted=True)
    await service.settle(datetime(2026, 4, 5, tzinfo=UTC))


async def audited(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["audit", *arguments])


@pytest.mark.rule("G1", "R18", "R35")
async def test_the_log_alone_rebuilds_every_subscription_and_rows_add_up(
    service: World, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(service)
    states = [(await service.get(account))["state"] for account in ("auto", "short", "gone", "bound", "early")]
    assert states == ["active", "grace", "released", "released", "none"]
    for at_once in (2, compare.ACCOUNTS_PER_CHUNK):
        monkeypatch.setattr(compare, "ACCOUNTS_PER_CHUNK", at_once)
        assert await audited("--database", database_url) == 0
        printed = capsys.readouterr().out
        assert printed.startswith("5 accounts, ")
        assert printed.endswith(": 0 differences\n")


async def test_every_kind_of_difference_is_told(
    service: World, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await live(service)
    spoilt = {
        "auto: balance": "UPDATE account SET balance = balance + 1 WHERE account_id = 'auto'",
        "auto: terms": "UPDATE account"
        " SET subscription = jsonb_set(CAST(subscription AS jsonb), '{terms,0,months}', '7')"
        " WHERE account_id = 'auto'",
        "bound: registered": "DELETE FROM server WHERE server_id = 's-3'",
        "bound: state": "UPDATE account SET subscription = NULL WHERE account_id = 'bound'",
        "gone: retained": "INSERT INTO configuration VALUES ('gone', 'tag', 'x', '1', true, '[]')",
        "early: contact": "UPDATE account SET contact = NULL WHERE account_id = 'early'",
        "early: recipients": "UPDATE account SET recipients = NULL WHERE account_id = 'early'",
        "short: order r-1": "DELETE FROM order_entry WHERE order_id = 'r-1'",
        "short: version": "UPDATE account SET version = version + 1 WHERE account_id = 'short'",
        "stray: account": "INSERT INTO ledger_entry VALUES ('credit', 'c-9', 'stray', 1, now())",
    }
    engine = connect(database_url, "subscription")
    async with transaction(engine) as connection:
        for statement in spoilt.values():
            await connection.execute(text(statement))
    await engine.dispose()
    monkeypatch.setenv("TENURE_DATABASE_URL", database_url)
    assert await audited() == 1
    *lines, summary = capsys.readouterr().out.splitlines()
    assert {": ".join(line.split(": ")[:2]) for line in lines} == spoilt.keys()
    assert summary.endswith(f": {len(spoilt)} differences")
    assert await audited("--json") == 1
    document = json.loads(capsys.readouterr().out)
    assert {f"{each['account_id']}: {each['what']}" for each in document["differences"]} == spoilt.keys()
    command = [sys.executable, "-m", "tenure", "audit"]
    assert await asyncio.to_thread(run_without_reader, command) == (1, "")
    full = "tenure audit: [Errno 28] No space left on device\n"
    assert await asyncio.to_thread(run_on_full_disk, command) == (2, full)


async def test_a_log_with_a_hole_is_told_with_the_event_behind_it(
    service: World, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await live(service)
    engine = connect(database_url, "subscription")
    async with transaction(engine) as connection:
        hole = "(SELECT min(sequence) FROM log WHERE account_id = 'auto') "
        await connection.execute(text(f"DELETE FROM log WHERE account_id = 'auto' AND sequence = {hole}"))
    await engine.dispose()
    assert await audited("--database", database_url) == 1
    assert "auto: log: lce-" in (printed := capsys.readouterr().out)
    assert "version 2 follows 0" in printed


@pytest.mark.rule("R50")
async def test_with_the_files_of_other_data_it_says_so_and_compares_nothing(
    service: World, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.send("acme", "purchase.ordered", **purchase())
    await service.settle()
    for name, before, after in (("policy", "Asia/Shanghai", "Europe/Paris"), ("catalog", '"9.5"', '"9.6"')):
        file = Path(f"{name}.toml")
        file.write_text((FILES / f"{name}.toml").read_text("utf-8").replace(before, after), "utf-8")
        monkeypatch.setenv(f"TENURE_{name.upper()}_FILE", str(file))
        assert await audited("--database", database_url) == 2
        monkeypatch.delenv(f"TENURE_{name.upper()}_FILE")
        told = capsys.readouterr()
        assert f"TENURE_{name.upper()}_FILE" in told.err
        assert after.strip('"') in told.err
        assert told.out == ""


def test_without_a_database_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 2
    assert "TENURE_DATABASE_URL is not set" in capsys.readouterr().err
    assert main(["audit", "--database", "postgresql://nobody@127.0.0.1:1/none"]) == 2
    assert "PostgreSQL" in capsys.readouterr().err
