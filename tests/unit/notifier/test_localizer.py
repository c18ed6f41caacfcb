"""Amounts, lists, days and instants as a reader's language and time zone have them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from notifier_service.content.messages import mail_content
from tests.kit.cases import cases
from tests.unit.notifier import samples


@cases(
    ("amount", "currency", "shown"),
    [
        ("1575.00", "USD", "$1,575.00"),
        ("-0.05", "USD", "-$0.05"),
        ("1575.00", "EUR", "€1,575.00"),
        ("-1575.00", "CHF", "-CHF\xa01,575.00"),
        ("1575.00", "CNY", "CN¥1,575.00"),
        ("1575.00", "JPY", "¥1,575"),
        ("1575.50", "JPY", "¥1,575.50"),
        ("1.50", "BHD", "BHD\xa01.500"),
        ("1.00", "BHD", "BHD\xa01.000"),
        ("1.00", "XTS", "XTS\xa01.00"),
        ("1234567890123456789012345678.95", "USD", "$1,234,567,890,123,456,789,012,345,678.95"),
    ],
)
def test_an_amount_is_never_rounded(amount: str, currency: str, shown: str) -> None:
    assert samples.localizer("en").money(Decimal(amount), currency) == shown


def test_a_list_in_chinese_keeps_its_numbers_apart_from_the_words() -> None:
    content = mail_content(samples.quota_exceeded, samples.localizer("zh-CN", "UTC"))
    assert content.highlight is not None
    assert content.highlight.value == "2 台服务器和 50 核"


@cases(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "December 2, 2026 at 00:00 (China Standard Time, UTC+08:00)"),
        ("America/New_York", "December 1, 2026 at 11:00 (Eastern Standard Time, UTC-05:00)"),
        ("Asia/Kolkata", "December 1, 2026 at 21:30 (India Standard Time, UTC+05:30)"),
        ("Asia/Calcutta", "December 1, 2026 at 21:30 (India Standard Time, UTC+05:30)"),
        ("America/Argentina/Buenos_Aires", "December 1, 2026 at 13:00 (Argentina Standard Time, UTC-03:00)"),
        ("UTC", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
        ("Etc/GMT+5", "December 1, 2026 at 11:00 (Etc/GMT+5, UTC-05:00)"),
        ("Mars/Phobos", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
        ("localtime", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
        ("Factory", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
        ("../../etc/passwd", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
        ("\ud800\n<b>", "December 1, 2026 at 16:00 (Coordinated Universal Time, UTC+00:00)"),
    ],
)
def test_instants_are_shown_in_the_readers_zone(zone: str, shown: str) -> None:
    assert samples.localizer("en", zone).moment(samples.ENDS_AT) == shown


@cases(
    ("zone", "winter", "summer"),
    [
        (
            "America/New_York",
            "January 15, 2027 at 07:00 (Eastern Standard Time, UTC-05:00)",
            "July 15, 2027 at 08:00 (Eastern Daylight Time, UTC-04:00)",
        ),
        (
            "Europe/London",
            "January 15, 2027 at 12:00 (Greenwich Mean Time, UTC+00:00)",
            "July 15, 2027 at 13:00 (British Summer Time, UTC+01:00)",
        ),
        (
            "Europe/Dublin",
            "January 15, 2027 at 12:00 (Greenwich Mean Time, UTC+00:00)",
            "July 15, 2027 at 13:00 (Irish Standard Time, UTC+01:00)",
        ),
        (
            "Eire",
            "January 15, 2027 at 12:00 (Greenwich Mean Time, UTC+00:00)",
            "July 15, 2027 at 13:00 (Irish Standard Time, UTC+01:00)",
        ),
        (
            "Australia/Lord_Howe",
            "January 15, 2027 at 23:00 (Lord Howe Daylight Time, UTC+11:00)",
            "July 15, 2027 at 22:30 (Lord Howe Standard Time, UTC+10:30)",
        ),
        (
            "Europe/Kyiv",
            "January 15, 2027 at 14:00 (Eastern European Standard Time, UTC+02:00)",
            "July 15, 2027 at 15:00 (Eastern European Summer Time, UTC+03:00)",
        ),
        (
            "Asia/Kathmandu",
            "January 15, 2027 at 17:45 (Nepal Time, UTC+05:45)",
            "July 15, 2027 at 17:45 (Nepal Time, UTC+05:45)",
        ),
    ],
)
def test_standard_and_daylight_time_are_named_as_cldr_names_them(zone: str, winter: str, summer: str) -> None:
    who = samples.localizer("en", zone)
    assert who.moment(datetime(2027, 1, 15, 12, tzinfo=UTC)) == winter
    assert who.moment(datetime(2027, 7, 15, 12, tzinfo=UTC)) == summer


@cases("month", range(1, 13))
def test_irish_standard_time_is_summer_time_in_every_month_that_has_it(month: int) -> None:
    instant = datetime(2027, month, 15, 12, tzinfo=UTC)
    shown = samples.localizer("zh-CN", "Europe/Dublin").moment(instant)
    assert ("（爱尔兰标准时间，UTC+01:00）" if 4 <= month <= 10 else "（格林尼治标准时间，UTC+00:00）") in shown


def test_an_offset_from_before_time_zones_is_shown_to_the_minute() -> None:
    shown = samples.localizer("en", "Europe/Dublin").moment(datetime(1880, 1, 1, 12, tzinfo=UTC))
    assert shown == "January 1, 1880 at 11:34 (Greenwich Mean Time, UTC-00:25)"


@pytest.mark.parametrize(
    ("zone", "last_day"), [("Asia/Shanghai", "December 8, 2026"), ("America/New_York", "December 8, 2026")]
)
def test_settings_kept_until_midnight_have_the_day_before_as_their_last(zone: str, last_day: str) -> None:
    assert samples.localizer("en", zone).last_day(samples.RELEASE_AT) == last_day


def test_the_last_day_of_a_deadline_within_a_day_is_that_day() -> None:
    assert samples.localizer("en", "UTC").last_day(datetime.fromisoformat("2026-12-08T00:00:01Z")) == "December 8, 2026"
