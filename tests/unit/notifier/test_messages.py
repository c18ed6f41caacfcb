"""The numbers that matter stand in both parts of a mail and in the inbox, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from notifier_service.content.messages import mail_content
from notifier_service.content.render import inbox_message
from shared.contracts.lifecycle import LifecycleData, RenewalDue
from shared.contracts.lifecycle_parts import AutoRenewalStatus, RejectionCode
from shared.contracts.types import Contact, Edition, Feature, ProtectionMode
from tests.unit.notifier import samples

READERS = {"en": samples.ADA, "zh-CN": samples.LIN}
MATTERS: dict[str, tuple[LifecycleData, dict[str, tuple[str, ...]]]] = {
    "activated": (
        replace(samples.activated, auto_renewal=samples.auto_renewal_plan),
        {
            "en": (
                "ord-2026-0042",
                "December 1, 2026",
                "Enterprise",
                "12 servers",
                "500 GB",
                "November 21, 2026 at 19:00",
            ),
            "zh-CN": ("ord-2026-0042", "2026年12月1日", "企业版", "12 台服务器", "500 GB", "2026年11月22日 08:00"),
        },
    ),
    "renewed by hand": (
        samples.renewed,
        {"en": ("December 1, 2027", "12 months"), "zh-CN": ("2027年12月1日", "12 个月")},
    ),
    "renewed automatically": (
        samples.automatic,
        {
            "en": ("$1,234.50", "$123.45", "$1,111.05", "$88.95", "spring-10"),
            "zh-CN": ("US$1,234.50", "US$123.45", "US$1,111.05", "US$88.95", "spring-10"),
        },
    ),
    "a failed deduction": (
        samples.failed,
        {
            "en": ("$1,200.00", "$1,100.25", "$99.75", "Attempt: 2", "November 23, 2026 at 19:00"),
            "zh-CN": ("US$1,200.00", "US$1,100.25", "US$99.75", "已尝试次数：2", "2026年11月24日 08:00"),
        },
    ),
    "a reminder": (
        replace(samples.renewal_due, obstacles=samples.obstacles),
        {
            "en": ("in 7 days", "$921.00", "3 months", "14 servers", "2 too few", "1,250 cores", "50 too few"),
            "zh-CN": ("7 天后", "US$921.00", "3 个月", "14 台服务器", "还差 2", "1,250 核", "还差 50"),
        },
    ),
    "an exceeded quota": (
        samples.quota_exceeded,
        {
            "en": ("14 servers and 1,250 cores", "14 of 12 used, 2 too many", "50 too many"),
            "zh-CN": ("14 台服务器", "已用 14，配额 12，超出 2", "超出 50"),
        },
    ),
    "an expiry": (
        samples.expired,
        {
            "en": (
                "December 8, 2026 at 11:00 (Eastern Standard Time, UTC-05:00)",
                "3 asset groups, 1 tag, 17 quarantined files",
            ),
            "zh-CN": ("2026年12月9日 00:00（中国标准时间，UTC+08:00）", "3 个资产分组、1 个标签、17 个隔离文件"),
        },
    ),
    "a final notice": (
        samples.release_due,
        {"en": ("December 8, 2026 at 11:00", "2 baseline"), "zh-CN": ("2026年12月9日 00:00", "2 个基线检查策略")},
    ),
    "a release": (
        samples.released,
        {"en": ("December 8, 2026", "17 quarantined files", "Basic"), "zh-CN": ("12月9日", "17 个隔离文件", "免费版")},
    ),
    "a refusal": (
        samples.rejected(RejectionCode.SERVERS_BELOW_INVENTORY),
        {
            "en": ("Renewal with change", "ord-2026-0099", "14 servers", "10 servers", "4 too few"),
            "zh-CN": ("续费并变更规格", "ord-2026-0099", "14 台服务器", "10 台服务器", "还差 4"),
        },
    ),
}


@pytest.mark.parametrize("language", READERS)
@pytest.mark.parametrize("name", MATTERS)
def test_the_numbers_that_matter_are_everywhere(name: str, language: str) -> None:
    data, expected = MATTERS[name]
    who = samples.localizer(language, READERS[language].time_zone)
    text, html = both_parts(data, READERS[language])
    inbox = inbox_message(samples.event(data), who, None).body
    title = mail_content(data, who).title
    for figure in expected[language]:
        assert figure in text
        assert figure in inbox + title
        assert all(part in html for part in figure.split(": ") if "：" not in part)


def test_each_status_of_auto_renewal_has_its_own_words() -> None:
    who = samples.localizer("en", "UTC")
    contents = [mail_content(replace(samples.renewal_due, auto_renewal=each), who) for each in AutoRenewalStatus]
    assert len({content.subject for content in contents}) == 4
    assert len({content.lead for content in contents}) == 4
    assert len({content.advice for content in contents}) == 4


@pytest.mark.parametrize(
    ("days", "when"), [(30, "in 30 days"), (2, "in 2 days"), (1, "tomorrow"), (0, "today"), (-1, "today")]
)
def test_the_subject_tells_the_true_days_left(days: int, when: str) -> None:
    content = mail_content(replace(samples.renewal_due, days_left=days), samples.localizer("en", "UTC"))
    assert content.subject == f"Your subscription expires {when}, on December 1, 2026"


@pytest.mark.rule("R30")
@pytest.mark.parametrize(
    ("later", "left"),
    [(timedelta(0), 7), (timedelta(days=1), 6), (timedelta(days=-3), 7), (timedelta(days=30), 0)],
)
def test_a_reminder_that_is_told_late_says_the_days_that_are_left_then(later: timedelta, left: int) -> None:
    told = samples.event(samples.renewal_due).as_of(samples.NOON + later)
    assert isinstance(told.data, RenewalDue)
    assert told.data.days_left == left


@pytest.mark.rule("R30")
def test_the_days_left_fall_at_midnight_of_the_billing_zone() -> None:
    midnight, event = samples.ENDS_AT - timedelta(days=3), samples.event(samples.renewal_due)
    told = [event.as_of(midnight + timedelta(seconds=each)).data for each in (-1, 0)]
    assert [data.days_left for data in told if isinstance(data, RenewalDue)] == [3, 2]


@pytest.mark.rule("R9")
@pytest.mark.parametrize("language", READERS)
def test_partial_protection_says_that_quota_must_be_bound_and_promises_nothing_yet(language: str) -> None:
    partial = replace(samples.ENTERPRISE, protection_mode=ProtectionMode.PARTIAL)
    who = samples.localizer(language, "UTC")
    told = mail_content(replace(samples.activated, specification=partial), who).lead
    assert told[1] == who.text("activated.partial")
    addons = replace(partial, edition=Edition.VALUE_ADDED)
    assert len(mail_content(replace(samples.activated, specification=addons), who).lead) == 1
    assert len(mail_content(samples.activated, who).lead) == 1


@pytest.mark.parametrize("language", READERS)
@pytest.mark.parametrize("feature", Feature)
def test_an_amount_that_is_not_on_offer_names_its_feature_in_the_readers_words(feature: Feature, language: str) -> None:
    rejected = samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE)
    message = f"The quantity of {feature} must be 0, or 10 to 500 in steps of 10; the order says 7."
    text, html = both_parts(replace(rejected, message=message), READERS[language])
    name = samples.localizer(language, "UTC").text(f"feature_name.{feature}")
    assert name in text
    assert name in html
    assert "_" not in text.replace(READERS[language].time_zone, "")


@pytest.mark.parametrize("code", RejectionCode)
def test_every_refusal_has_its_own_sentence_in_both_languages(code: RejectionCode) -> None:
    english = mail_content(samples.rejected(code), samples.localizer("en", "UTC")).lead[0]
    chinese = mail_content(samples.rejected(code), samples.localizer("zh-CN", "UTC")).lead[0]
    others = {
        mail_content(samples.rejected(each), samples.localizer("en", "UTC")).lead[0]
        for each in RejectionCode
        if each != code
    }
    assert english not in others
    assert english.isascii()
    assert not chinese.isascii()


@pytest.mark.parametrize("code", RejectionCode)
def test_a_refusal_without_figures_is_still_a_sentence(code: RejectionCode) -> None:
    data = replace(samples.rejected(code), required=None, offered=None)
    assert "None" not in " ".join(mail_content(data, samples.localizer("en", "UTC")).lead)


def test_a_range_is_said_in_the_readers_language() -> None:
    content = mail_content(samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE), samples.localizer("zh-CN", "UTC"))
    assert "0，或 20 至 500" in [row.value for row in content.details]


def test_a_list_of_durations_has_the_readers_commas() -> None:
    content = mail_content(samples.rejected(RejectionCode.INVALID_DURATION), samples.localizer("zh-CN", "UTC"))
    assert "1 至 12、24 或 36" in [row.value for row in content.details]


def test_a_step_is_named_where_it_is_more_than_one() -> None:
    rejected = samples.rejected(RejectionCode.FEATURE_OUT_OF_RANGE)
    content = mail_content(
        replace(rejected, required="0, or 10 or more in steps of 10"), samples.localizer("en", "UTC")
    )
    assert "0, or 10 or more in steps of 10" in [row.value for row in content.details]


def test_a_list_in_chinese_keeps_its_numbers_apart_from_the_words() -> None:
    content = mail_content(samples.quota_exceeded, samples.localizer("zh-CN", "UTC"))
    assert content.highlight is not None
    assert content.highlight.value == "2 台服务器和 50 核"


def test_what_is_not_known_yet_is_counted_as_other() -> None:
    content = mail_content(replace(samples.expired, retained={"playbook": 4}), samples.localizer("en", "UTC"))
    assert "4 other settings" in content.lead[1]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "December 2, 2026 at 00:00 (China Standard Time, UTC+08:00)"),
        ("America/New_York", "December 1, 2026 at 11:00 (Eastern Standard Time, UTC-05:00)"),
        ("Asia/Kolkata", "December 1, 2026 at 21:30 (India Time, UTC+05:30)"),
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("month", range(1, 13))
def test_irish_standard_time_is_summer_time_in_every_month_that_has_it(month: int) -> None:
    instant = datetime(2027, month, 15, 12, tzinfo=UTC)
    shown = samples.localizer("zh-CN", "Europe/Dublin").moment(instant)
    assert ("（爱尔兰标准时间，UTC+01:00）" if 4 <= month <= 10 else "（格林尼治标准时间，UTC+00:00）") in shown


def test_an_offset_from_before_time_zones_is_shown_to_the_minute() -> None:
    shown = samples.localizer("en", "Europe/Dublin").moment(datetime(1880, 1, 1, 12, tzinfo=UTC))
    assert shown == "January 1, 1880 at 11:34 (Greenwich Mean Time, UTC-00:25)"


def test_an_unknown_zone_is_admitted() -> None:
    text, html = both_parts(samples.expired, replace(samples.ADA, time_zone="Mars/Phobos"))
    assert "We do not know your time zone, so times are shown in UTC." in text
    assert "We do not know your time zone, so times are shown in UTC." in html
    assert "Mars" not in text + html


@pytest.mark.parametrize(
    ("zone", "last_day"), [("Asia/Shanghai", "December 8, 2026"), ("America/New_York", "December 8, 2026")]
)
def test_settings_kept_until_midnight_have_the_day_before_as_their_last(zone: str, last_day: str) -> None:
    assert samples.localizer("en", zone).last_day(samples.RELEASE_AT) == last_day


def test_the_last_day_of_a_deadline_within_a_day_is_that_day() -> None:
    assert samples.localizer("en", "UTC").last_day(datetime.fromisoformat("2026-12-08T00:00:01Z")) == "December 8, 2026"


def both_parts(data: LifecycleData, contact: Contact) -> tuple[str, str]:
    mail = samples.mail(data, contact)
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (str(part.get_content()) for part in parts if part is not None)
    return text, html
