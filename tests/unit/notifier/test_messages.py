"""The numbers that matter stand in both parts of a mail and in the inbox, in both languages."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from notifier_service.content.messages import mail_content
from notifier_service.content.render import inbox_message
from shared.contracts.lifecycle import LifecycleData, RenewalDue, SpecificationChanged
from shared.contracts.lifecycle_parts import AutoRenewalStatus, RejectionCode
from shared.contracts.types import Contact, Edition, ProtectionMode
from tests.unit.notifier import samples

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
    "a release reminder": (
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


@pytest.mark.parametrize("language", samples.READERS)
@pytest.mark.parametrize("name", MATTERS)
def test_the_numbers_that_matter_are_everywhere(name: str, language: str) -> None:
    data, expected = MATTERS[name]
    who = samples.localizer(language, samples.READERS[language].time_zone)
    text, html = both_parts(data, samples.READERS[language])
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
@pytest.mark.parametrize("language", samples.READERS)
def test_partial_protection_says_that_quota_must_be_bound_and_promises_nothing_yet(language: str) -> None:
    partial = replace(samples.ENTERPRISE, protection_mode=ProtectionMode.PARTIAL)
    who = samples.localizer(language, "UTC")
    told = mail_content(replace(samples.activated, specification=partial), who).lead
    assert told[1] == who.text("activated.partial")
    addons = replace(partial, edition=Edition.VALUE_ADDED)
    assert len(mail_content(replace(samples.activated, specification=addons), who).lead) == 1
    assert len(mail_content(samples.activated, who).lead) == 1


CNY = {"en": "CN¥", "zh-CN": "¥"}


@pytest.mark.parametrize("language", CNY)
def test_amounts_are_in_the_currency_of_their_event(language: str) -> None:
    quoted = replace(samples.renewal_due, quote=replace(samples.renewal_due.quote, currency="CNY"))
    changed = dict(samples.inbox_only())["specification_changed-120.00"]
    assert isinstance(changed, SpecificationChanged)
    who = samples.localizer(language)
    for data in (
        replace(samples.failed, currency="CNY"),
        replace(samples.automatic, currency="CNY"),
        replace(changed, currency="CNY"),
        quoted,
    ):
        message = inbox_message(samples.event(data), who, None)
        text = f"{mail_content(data, who).subject} {message.title} {message.body}"
        assert CNY[language] in text
        assert "$" not in text


def test_the_subject_of_a_failed_deduction_names_the_currency() -> None:
    data = replace(samples.failed, shortfall=Decimal("1575.00"), currency="CNY")
    subject = mail_content(data, samples.localizer("en")).subject
    assert subject == "Auto-renewal failed: CN¥1,575.00 missing from your account balance"


def test_an_amount_whose_event_names_no_currency_is_shown_without_one() -> None:
    subject = mail_content(replace(samples.failed, currency=None), samples.localizer("en")).subject
    assert subject == "Auto-renewal failed: 99.75 missing from your account balance"


def test_what_is_not_known_yet_is_counted_as_other() -> None:
    content = mail_content(replace(samples.expired, retained={"playbook": 4}), samples.localizer("en", "UTC"))
    assert "4 other settings" in content.lead[1]


def test_an_unknown_zone_is_admitted() -> None:
    text, html = both_parts(samples.expired, replace(samples.ADA, time_zone="Mars/Phobos"))
    assert "We do not know your time zone, so times are shown in UTC." in text
    assert "We do not know your time zone, so times are shown in UTC." in html
    assert "Mars" not in text + html


def both_parts(data: LifecycleData, contact: Contact) -> tuple[str, str]:
    mail = samples.mail(data, contact)
    parts = [mail.get_body((kind,)) for kind in ("plain", "html")]
    text, html = (str(part.get_content()) for part in parts if part is not None)
    return text, html
