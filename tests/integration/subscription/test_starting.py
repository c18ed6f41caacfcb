"""The policy and catalog files at the start: a new policy changes every next timer, a wrong one stops the start."""

import asyncio
import os
import socket
import subprocess
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import text

from shared.runtime.service import run
from shared.runtime.settings import BadSettings, Settings
from shared.storage.database import connect, transaction
from subscription_service.app import SUBSCRIPTION
from subscription_service.policy_files import catalog, policy
from tests.integration.subscription.serving import serving
from tests.kit.events import account, purchase
from tests.kit.service import running_service
from tests.kit.waiting import PATIENCE, eventually

REMINDED_WITH_14 = datetime(2026, 1, 22, 2, tzinfo=UTC)


def _file(folder: Path, default: Path, *changes: str) -> Path:
    """The default file with (old, new) changes in it."""
    content = default.read_text("utf-8")
    for old, new in zip(changes[::2], changes[1::2], strict=True):
        assert old in content
        content = content.replace(old, new)
    made = folder / default.name
    made.write_text(content, "utf-8")
    return made


@pytest.mark.rule("R29")
async def test_a_policy_that_changed_between_two_starts_times_every_account_anew(
    settings: Settings, tmp_path: Path
) -> None:
    who = account()
    async with serving(settings) as world:
        await world.publish(purchase(who))
        await world.settle()
        assert datetime.fromisoformat((await world.get(who))["next_action"]["at"]).day == 29
    file = _file(tmp_path, policy.DEFAULT, "reminder_days = [7]", "reminder_days = [14, 7]")
    async with serving(settings.model_copy(update={"policy_file": file})) as world:
        await world.settle(REMINDED_WITH_14 - timedelta(seconds=1))
        assert await world.kinds(who) == ["activated"]
        await world.settle(REMINDED_WITH_14)
        assert await world.kinds(who) == ["activated", "renewal_due"]


@pytest.mark.rule("R29", "R51")
async def test_what_a_new_policy_would_have_had_due_before_the_start_is_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    who = account()
    async with serving(settings) as world:
        await world.publish(purchase(who))
        await world.settle(REMINDED_WITH_14)
    file = _file(tmp_path, policy.DEFAULT, "reminder_days = [7]", "reminder_days = [14, 7]")
    async with serving(settings.model_copy(update={"policy_file": file})) as world:
        await world.settle(REMINDED_WITH_14 + timedelta(days=7) - timedelta(seconds=1))
        assert await world.kinds(who) == ["activated"]
        await world.settle(REMINDED_WITH_14 + timedelta(days=7))
        assert await world.kinds(who) == ["activated", "renewal_due"]


def _start(**environment: str) -> tuple[int, str]:
    """Exit code and standard error of a service that is started with these settings."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    given = {f"TENURE_{name}": value for name, value in environment.items()}
    command = [sys.executable, "-m", "subscription_service"]
    done = subprocess.run(command, env=ours | given, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stderr.strip()


def test_a_bad_policy_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    file = _file(tmp_path, policy.DEFAULT, "grace_days = 7", "grace_days = 28")
    code, message = _start(POLICY_FILE=str(file))
    assert code == 2
    assert message == f"{file}: grace_days: Input should be less than or equal to 27"


def test_a_bad_catalog_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    file = _file(tmp_path, catalog.DEFAULT, 'currency = "USD"', 'currency = "dollars"')
    code, message = _start(CATALOG_FILE=str(file))
    assert code == 2
    assert message.startswith(f"{file}: currency:")
    assert len(message.splitlines()) == 1


def test_a_policy_file_that_is_not_there_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    code, message = _start(POLICY_FILE=str(tmp_path / "nowhere.toml"))
    assert code == 2
    assert "nowhere.toml" in message
    assert len(message.splitlines()) == 1


def test_an_unknown_setting_and_a_bad_value_stop_the_start_with_a_sentence() -> None:
    assert _start(KAFKA_SERVERS="x") == (
        2,
        "Unknown setting TENURE_KAFKA_SERVERS: see docs/settings.md for the names that exist.",
    )
    code, message = _start(HTTP_PORT="eighty")
    assert code == 2
    assert message.startswith("TENURE_HTTP_PORT: Input should be a valid integer")


def test_a_port_that_is_taken_stops_the_start_with_a_sentence_and_is_no_alarm() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, message = _start(HTTP_PORT=str(port), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert code == 2
    assert message.splitlines()[-1] == f"TENURE_HTTP_HOST, TENURE_HTTP_PORT: 127.0.0.1:{port} is taken, or not ours."


CNY: Final = ('currency = "USD"', 'currency = "CNY"')
LONGER: Final = ("grace_days = 7", "grace_days = 14")
ANYTHING: Final = ("policy", "http", "timers", "database", "topics", "consuming", "lag", "publishing")


async def _refusal(settings: Settings) -> str:
    """Why a copy with these settings does not start."""
    with pytest.raises(BadSettings) as refused:
        await asyncio.wait_for(run(SUBSCRIPTION, settings), PATIENCE)
    return str(refused.value)


async def _kept(settings: Settings) -> list[tuple[str, bool]]:
    """The changes that are kept, with whether they were accepted."""
    engine = connect(settings.database_url.get_secret_value(), "subscription")
    async with transaction(engine) as connection:
        found = await connection.execute(text("SELECT changes, accepted FROM rule_change ORDER BY id"))
        kept = [(row.changes, row.accepted) for row in found]
    await engine.dispose()
    return kept


async def test_data_with_another_currency_and_a_longer_grace_are_not_read_by_the_defaults(
    settings: Settings, tmp_path: Path
) -> None:
    theirs = settings.model_copy(
        update={
            "policy_file": _file(tmp_path, policy.DEFAULT, *LONGER),
            "catalog_file": _file(tmp_path, catalog.DEFAULT, *CNY),
        }
    )
    who = account()
    async with serving(theirs) as world:
        await world.publish(purchase(who))
        await world.send(who, "account.credited", entry_id="c-1", amount="1575.00", currency="CNY")
        await world.settle()
    refusal = await _refusal(settings)
    assert "policy.grace_days: 14 -> 7" in refusal
    assert "catalog.currency: CNY -> USD. 1 balance (1,575.00 in all)" in refusal
    assert await _kept(settings) == [("", False)]
    accepted = settings.model_copy(update={"accept_policy_change": refusal.split("CHANGE=")[1].split()[0]})
    async with serving(accepted) as world:
        assert (await world.get(who))["currency"] == "USD"
    assert (await _kept(settings))[1] == ("policy.grace_days: 14 -> 7\ncatalog.currency: CNY -> USD", True)
    async with serving(theirs.model_copy(update={"catalog_file": None})):  # a longer grace needs nobody's consent
        assert (await _kept(settings))[2] == ("policy.grace_days: 7 -> 14", False)
    assert "catalog.currency: USD -> CNY" in await _refusal(theirs.model_copy(update={"accept_policy_change": "0123"}))


async def _checked(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Exit code and output of `tenure check` on this database."""
    url = settings.database_url.get_secret_value()
    command = [sys.executable, "-m", "tenure", "check", "--database", url, *arguments]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    run_command = partial(subprocess.run, command, env=ours, capture_output=True, text=True, check=False, timeout=30)
    done = await asyncio.to_thread(run_command)
    return done.returncode, done.stdout + done.stderr


async def test_the_check_says_what_the_next_start_would_do(settings: Settings, tmp_path: Path) -> None:
    assert "no service has started on this database yet" in (await _checked(settings))[1]
    async with serving(settings):
        pass
    assert "as the data were made with" in (await _checked(settings))[1]
    file = _file(tmp_path, policy.DEFAULT, *LONGER)
    code, told = await _checked(settings, "--policy", str(file))
    assert (code, told.count("policy.grace_days: 7 -> 14")) == (0, 2)
    code, told = await _checked(settings, "--catalog", str(_file(tmp_path, catalog.DEFAULT, *CNY)))
    assert code == 1
    assert "would count as CNY" in told
    assert (await _refusal(settings.model_copy(update={"catalog_file": tmp_path / "catalog.toml"}))).count(
        told.rstrip().rpartition("=")[2]
    )


async def test_another_billing_zone_is_refused(settings: Settings, tmp_path: Path) -> None:
    async with serving(settings):
        pass
    file = _file(tmp_path, policy.DEFAULT, "Asia/Shanghai", "Europe/Berlin")
    elsewhere = settings.model_copy(update={"policy_file": file})
    assert "policy.billing_zone: Asia/Shanghai -> Europe/Berlin" in await _refusal(elsewhere)
    async with serving(elsewhere.model_copy(update={"accept_policy_change": "yes"})):
        pass


async def test_while_a_copy_runs_another_one_with_other_files_waits_and_says_so(
    settings: Settings, tmp_path: Path
) -> None:
    file = _file(tmp_path, policy.DEFAULT, "reminder_days = [7]", "reminder_days = [14, 7]")
    async with serving(settings):
        other = settings.model_copy(update={"policy_file": file})
        async with running_service(SUBSCRIPTION, other, but_for=ANYTHING) as waiting:

            async def says_why() -> bool:
                troubles = (await waiting.client.get("/ready")).json()["troubles"]
                return "policy.reminder_days: 7 -> 14, 7" in troubles.get("policy", "")

            await eventually(says_why)
            assert len(await _kept(settings)) == 1
    async with serving(settings.model_copy(update={"policy_file": file})):
        assert len(await _kept(settings)) == 2


async def test_of_two_copies_that_start_at_once_with_different_files_one_serves(
    settings: Settings, tmp_path: Path
) -> None:
    file = _file(tmp_path, policy.DEFAULT, "reminder_days = [7]", "reminder_days = [14, 7]")
    both = (settings, settings.model_copy(update={"policy_file": file}))
    async with AsyncExitStack() as stack:
        copies = [
            await stack.enter_async_context(running_service(SUBSCRIPTION, each, but_for=ANYTHING)) for each in both
        ]

        async def troubles() -> list[set[str]]:
            return [set((await each.client.get("/ready")).json()["troubles"]) for each in copies]

        async def one_serves() -> bool:
            return sorted(map(bool, await troubles())) == [False, True]

        await eventually(one_serves)
        assert any("policy" in each for each in await troubles())
        assert len(await _kept(settings)) == 1
