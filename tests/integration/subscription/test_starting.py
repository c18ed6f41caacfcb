"""The policy and catalog files at the start: a new policy changes every next timer, a wrong one stops the start."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.runtime.settings import Settings
from subscription_service.policy_files import catalog, policy
from tests.integration.subscription.serving import serving
from tests.kit.events import account, purchase

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
