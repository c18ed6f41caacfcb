"""`tenure check` without a database: both files in words, and what differs from the defaults."""

import json
from pathlib import Path

import pytest

from subscription_service.policy_files import catalog, policy
from tenure.__main__ import main
from tests.unit.domain.price_lists import dated_table


@pytest.fixture(autouse=True)
def nothing_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ready file, and no settings."""
    monkeypatch.chdir(tmp_path)
    for name in ("TENURE_DATABASE_URL", "TENURE_POLICY_FILE", "TENURE_CATALOG_FILE"):
        monkeypatch.delenv(name, raising=False)


def changed(folder: Path, default: Path, old: str, new: str) -> str:
    made = folder / default.name
    made.write_text(default.read_text("utf-8").replace(old, new), "utf-8")
    return str(made)


def test_the_defaults_are_told_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    told = capsys.readouterr().out
    assert "7 days before E, at 10:00" in told
    assert "23.5 USD per server and 1 USD per core and month" in told
    assert "0, or 20 to 200,000 in steps of 20" in told
    assert "differs from the defaults: nothing" in told
    assert "not compared with data" in told


def test_what_differs_from_the_defaults_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = changed(tmp_path, policy.DEFAULT, "grace_days = 7", "grace_days = 1")
    theirs = changed(tmp_path, catalog.DEFAULT, 'currency = "USD"', 'currency = "CNY"')
    assert main(["check", "--policy", ours, "--catalog", theirs]) == 0
    told = capsys.readouterr().out
    assert "1 day after E everything is kept" in told
    assert "  policy.grace_days: 7 -> 1\n  catalog.currency: USD -> CNY\n" in told
    assert main(["check", "--json", "--policy", ours]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["from_defaults"] == [{"name": "policy.grace_days", "before": 7, "after": 1}]
    assert (document["data"], len(document["fingerprint"])) == (None, 16)


@pytest.mark.rule("R51")
def test_rows_of_reminders_are_told_with_whom_they_are_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "policy.toml"
    rows = (
        '[[reminders]]\nmin_months = 12\neditions = ["advanced", "ultimate"]\ndays = [30, 1]\n[[reminders]]\ndays = [3]'
    )
    file.write_text(rows)
    assert main(["check", "--policy", str(file)]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "terms of 12 months or more in advanced or ultimate" in told
    assert "30 and 1 days before E" in told
    assert "reminders, any term" in told
    assert "reminders of all others" in told


@pytest.mark.rule("R49")
def test_days_of_notices_are_told_where_there_are_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert "notices" not in capsys.readouterr().out
    file = changed(tmp_path, policy.DEFAULT, "charge_notice_days = []", "charge_notice_days = [7, 1]")
    assert main(["check", "--policy", file]) == 0
    assert "7 and 1 days before the first one, at 10:00" in capsys.readouterr().out


@pytest.mark.rule("R50")
def test_dated_price_lists_are_told_with_their_day_and_as_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "catalog.toml"
    dearer = dated_table("2027-01-01").replace('"9.5"', '"10.01"')
    file.write_text(f"{catalog.DEFAULT.read_text('utf-8')}\n{dearer}")
    assert main(["check", "--catalog", str(file)]) == 0
    before, after = capsys.readouterr().out.split("prices from 2027-01-01 on, list list of 2027-01-01")
    assert "9.5 USD per server and month" in before
    assert "10.01 USD per server and month" in after
    assert "catalog.price_lists.2027-01-01.version: none -> list of 2027-01-01" in after
    assert main(["check", "--json", "--catalog", str(file)]) == 0
    [told] = json.loads(capsys.readouterr().out)["price_lists"]
    assert (told["valid_from"], told["version"]) == ("2027-01-01", "list of 2027-01-01")
    assert told["prices"]["advanced"] == "10.01 USD per server and month"


@pytest.mark.rule("R50")
def test_every_fault_of_the_lists_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "catalog.toml"
    lists = dated_table("2027-01-01").replace('honeypot = "25"\n', ""), dated_table("2026-12-31")
    file.write_text("\n".join([catalog.DEFAULT.read_text("utf-8"), *lists]))
    assert main(["check", "--catalog", str(file)]) == 2
    told = capsys.readouterr().err
    assert "no price of honeypot, from 2027-01-01 on" in told
    assert "the list from 2026-12-31 on stands after that from 2027-01-01 on" in told


def test_a_wrong_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = changed(tmp_path, policy.DEFAULT, "grace_days = 7", "grace_days = 28")
    assert main(["check", "--policy", wrong]) == 2
    assert f"{wrong}: grace_days: Input should be" in capsys.readouterr().err
