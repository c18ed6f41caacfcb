"""The policy and the catalog file: what is read, and what stops the start."""

import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from shared.contracts.types import Edition, Feature
from subscription_service.domain.policy import Policy, ReminderRow
from subscription_service.policy_files import catalog, policy
from subscription_service.policy_files.catalog import load_catalog
from subscription_service.policy_files.policy import load_policy
from tests.kit.cases import cases


def changed(default: Path, folder: Path, old: str, new: str) -> Path:
    """The default file with one thing changed."""
    text = default.read_text(encoding="utf-8")
    assert old in text
    path = folder / default.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_the_policy_file_states_the_rule_book_s_defaults() -> None:
    loaded = load_policy()
    assert loaded == Policy(version=loaded.version, billing_zone=loaded.billing_zone)
    assert (loaded.billing_zone.key, loaded.park_for) == ("Asia/Shanghai", timedelta(minutes=15))


def test_the_catalog_file_states_the_rule_book_s_prices_exactly() -> None:
    loaded = load_catalog()
    assert loaded.currency == "USD"
    [prices] = loaded.price_lists
    assert prices.editions[Edition.ADVANCED].server_price == Decimal("9.5")
    assert prices.editions[Edition.ULTIMATE].core_price == Decimal(1)
    assert prices.features[Feature.CONFIGURATION_CHECK] == Decimal("0.0005")
    assert loaded.features[Feature.WEB_TAMPER_PROOFING].maximum is None
    assert loaded.features[Feature.ANTI_RANSOMWARE_GB].maximum == 9_999_999_990


@pytest.mark.rule("R29")
def test_another_policy_file_changes_the_days(tmp_path: Path) -> None:
    path = changed(policy.DEFAULT, tmp_path, "reminder_days = [7]", "reminder_days = [1, 15, 7, 3, 30]")
    assert load_policy(path).reminder_days == (30, 15, 7, 3, 1)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nowhere\.toml: the file cannot be read \(No such file or directory\)"):
        load_policy(tmp_path / "nowhere.toml")


@pytest.mark.rule("R29")
def test_a_policy_file_need_not_say_what_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text("reminder_days = [30, 15, 7, 3, 1]", encoding="utf-8")
    assert load_policy(path) == replace(load_policy(), reminder_days=(30, 15, 7, 3, 1))


@pytest.mark.rule("R49")
@pytest.mark.parametrize("days", [(), (7,), (30, 7, 0)])
def test_notices_of_charges_have_any_list_of_days_none_too(tmp_path: Path, days: tuple[int, ...]) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f"charge_notice_days = {list(days)}", encoding="utf-8")
    assert load_policy(path) == replace(load_policy(), charge_notice_days=days)


@pytest.mark.rule("R51")
def test_rows_of_reminders_stand_in_order_and_leave_out_what_is_as_for_all(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    rows = (
        '[[reminders]]\nmin_months = 12\neditions = ["ultimate"]\ndays = [30, 7]\nhour = 9\n[[reminders]]\ndays = [3]'
    )
    path.write_text(f"reminder_hour = 11\n{rows}", encoding="utf-8")
    assert load_policy(path).reminders == (
        ReminderRow(min_months=12, editions=(Edition.ULTIMATE,), days=(30, 7), hour=9),
        ReminderRow(min_months=1, editions=(), days=(3,), hour=11),
    )


@cases(
    ("row", "message"),
    [
        ("days = [7, 7]", "[reminders.0] days: expected each day once"),
        ("days = []", "[reminders.0] days: Tuple should have at least 1 item"),
        ("min_months = 12", "[reminders.0] days: is missing"),
        ("days = [7]\nhour = 24", "[reminders.0] hour: Input should be less than or equal to 23"),
        ("days = [7]\nmin_months = 0", "[reminders.0] min_months: Input should be greater than or equal to 1"),
        ('days = [7]\neditions = ["basic"]', "[reminders.0.editions] 0: Input should be 'value-added'"),
        ("days = [7]\nmonths = 12", "[reminders.0] months: is not a known key"),
    ],
)
def test_a_wrong_row_of_reminders_is_named_by_its_number_and_key(tmp_path: Path, row: str, message: str) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(f"[[reminders]]\n{row}", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        load_policy(path)


@cases(
    ("old", "new", "message"),
    [
        ("reminder_days = [7]", "reminder_days = [7, 7]", "reminder_days: expected each day once"),
        ("reminder_days = [7]", "reminder_days = []", "reminder_days: Tuple should have at least 1 item"),
        ("notice_days = []", "notice_days = [7, 7]", "charge_notice_days: expected each day once"),
        (
            "notice_days = []",
            "notice_days = [366]",
            "[charge_notice_days] 0: Input should be less than or equal",
        ),
        ("notice_hour = 10", "notice_hour = 24", "charge_notice_hour: Input should be less than or equal to 23"),
        ("grace_days = 7", "grace_days = 28", "grace_days: Input should be less than or equal to 27"),
        ("reminder_hour = 10", "reminder_hour = 24", "reminder_hour: Input should be less than or equal to 23"),
        ("Asia/Shanghai", "Asia/Atlantis", "billing_zone: expected a time zone such as Asia/Shanghai, not 'Asia/A"),
        ("claim_retention_days = 35", "claim_retention_days = 34", "claim_retention_days: Input should be greater"),
        ("park_limit = 10_000", "park_limit = 0", "park_limit: Input should be greater than or equal to 1"),
        ("grace_days = 7", "grase_days = 7", "grase_days: is not a known key"),
        ("grace_days = 7", "grace_days = 7\ngrace_hours = 1", "grace_hours: is not a known key"),
        ("grace_days = 7", "grace_days =", "Invalid value (at line"),
    ],
)
def test_a_wrong_policy_stops_with_a_sentence_that_names_file_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = changed(policy.DEFAULT, tmp_path, old, new)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        load_policy(path)


@cases(
    ("old", "new", "message"),
    [
        (
            'server_price = "9.5"',
            "server_price = 9.5",
            "[editions.advanced] server_price: expected a decimal in",
        ),
        ('server_price = "9.5"', 'server_price = "-1"', "[editions.advanced] server_price: Input should be greater"),
        ("counts_servers = true", "counts_servers = false", "[editions] advanced: a price is given for something"),
        ("[editions.advanced]", "[editions.basic]", "[editions] basic: Input should be 'value-added'"),
        ("[features.honeypot]", "[features.honey]", "[features] honey: Input should be 'anti_ransomware_gb'"),
        ('currency = "USD"', 'currency = "dollars"', "currency: String should match pattern"),
        ("step = 10", "step = 0", "[features.anti_ransomware_gb] step: Input should be greater than or equal to 1"),
        ("minimum = 20", "minimum = 501", "[features] honeypot: maximum 500 is below minimum 501"),
        ("step = 20", "step = 30", "[features] image_scan: minimum and maximum must be multiples of step 30"),
        ("minimum = 1000", "minimum = 1050", "[features] configuration_check: minimum and maximum must be multiples"),
        ('unit = "GB"\n', "", "[features.anti_ransomware_gb] unit: is missing"),
        ('version = "2026-11"', "version =", "Invalid value (at line"),
    ],
)
def test_a_wrong_catalog_stops_with_a_sentence_that_names_file_table_and_key(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = changed(catalog.DEFAULT, tmp_path, old, new)
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        load_catalog(path)


@pytest.mark.parametrize(
    ("begin", "end", "message"),
    [
        ("[editions.value-added]", "[editions.anti-virus]", "editions: missing: value-added"),
        ("[features.honeypot]", "[features.image_scan]", "features: missing: honeypot"),
    ],
)
def test_a_catalog_that_lacks_a_table_says_which(tmp_path: Path, begin: str, end: str, message: str) -> None:
    text = catalog.DEFAULT.read_text(encoding="utf-8")
    path = tmp_path / "catalog.toml"
    path.write_text(text[: text.index(begin)] + text[text.index(end) :], encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(f"{path}: {message}")):
        load_catalog(path)
