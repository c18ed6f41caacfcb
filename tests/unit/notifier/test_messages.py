"""The numbers that matter stand in both parts of a mail and in the inbox, in both languages."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from notifier_service.content.brand import Brand
from notifier_service.content.messages import mail_content
from notifier_service.content.render import inbox_message
from shared.contracts.lifecycle import LifecycleData, RenewalDue, SpecificationChanged
from shared.contracts.lifecycle_parts import AutoRenewalStatus
from shared.contracts.types import Contact, Edition, ProtectionMode
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants


def test_each_status_of_auto_renewal_has_its_own_words() -> None:
    who = samples.localizer("en", "UTC")
    contents = [mail_content(replace(samples.renewal_due, auto_renewal=each), who) for each in AutoRenewalStatus]
    contents.append(mail_content(samples.short, who))
    assert len({content.subject for content in contents}) == 5
    assert len({content.lead for content in contents}) == 5
    assert len({content.advice for content in contents}) == 5


@pytest.mark.rule("R30")
def test_whether_the_balance_covers_the_renewal_is_said_only_where_it_is_known() -> None:
    who = samples.localizer("en")
    known, unknown = mail_content(samples.covered, who), mail_content(replace(samples.covered, balance=None), who)
    assert known.advice == (who.text("renewal_due.will_charge.advice"),)
    assert unknown.advice == (who.text("renewal_due.will_charge.check"),)


@pytest.mark.rule("R24", "R30")
def test_a_failed_deduction_that_a_coupon_now_covers_is_one_that_will_be_tried() -> None:
    who = samples.localizer("en")
    again = replace(samples.covered, auto_renewal=AutoRenewalStatus.FAILED)
    assert mail_content(again, who).lead == mail_content(samples.covered, who).lead
    after_the_last = replace(again, attempt_at=None)
    assert mail_content(after_the_last, who).lead == (who.text("renewal_due.failed.lead"),)


@pytest.mark.rule("R24", "R30")
def test_the_subject_of_a_charge_to_come_names_what_is_left_after_the_coupon() -> None:
    data = replace(samples.covered, discount=Decimal("21.00"), coupon_id="spring-10")
    assert mail_content(data, samples.localizer("en")).subject.startswith(
        "We will renew your subscription for $900.00:"
    )


@pytest.mark.rule("R28")
@pytest.mark.parametrize(("days", "reminded"), [(0, True), (1, False)])
def test_a_reminder_is_promised_only_while_the_subscription_has_not_ended(days: int, reminded: bool) -> None:
    off = replace(samples.switched_off, effective_on=samples.LAST_DAY + timedelta(days=days))
    assert bool(mail_content(off, samples.localizer("en")).advice) is reminded


def test_where_the_readers_day_is_the_expiration_date_both_are_one_row() -> None:
    labels = [
        [row.label for row in mail_content(samples.renewal_due, samples.localizer("en", zone)).details]
        for zone in ("America/New_York", "Asia/Shanghai")
    ]
    assert "Protection ends" not in labels[0]
    assert labels[1][1:3] == ["Expiration date", "Protection ends"]


@cases(("days", "when"), [(30, "in 30 days"), (2, "in 2 days"), (1, "tomorrow"), (0, "today"), (-1, "today")])
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


@pytest.mark.rule("R30")
@cases(
    ("recorded", "told", "ends", "left"),
    [
        ("2027-03-25T22:30", "2027-03-25T22:30", "2027-04-01T22:00", 7),  # 23:30, the clocks go forward on the 28th
        ("2027-03-25T22:30", "2027-03-25T23:00", "2027-04-01T22:00", 6),
        ("2027-03-25T23:30", "2027-03-25T23:30", "2027-04-01T22:00", 6),
        ("2027-03-25T22:30", "2027-03-29T10:00", "2027-04-01T22:00", 3),
        ("2027-10-25T21:30", "2027-10-25T21:30", "2027-11-01T23:00", 7),
        ("2027-10-25T22:30", "2027-10-25T22:30", "2027-11-01T23:00", 6),  # 00:30 on the 26th, back on the 31st
        ("2027-10-25T22:30", "2027-10-26T22:30", "2027-11-01T23:00", 5),
        ("2027-03-30T22:30", "2027-03-31T22:30", "2027-04-01T22:00", 0),
    ],
)
def test_a_change_of_the_clocks_between_reminder_and_end_makes_the_days_left_no_others(
    recorded: str, told: str, ends: str, left: int
) -> None:
    """The billing zone is Europe/Berlin, the instants are UTC."""
    recordedat, at, ends_at = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (recorded, told, ends))
    zone = ZoneInfo("Europe/Berlin")
    last_day = (ends_at - timedelta(seconds=1)).astimezone(zone).date()
    days_left = (last_day - recordedat.astimezone(zone).date()).days
    due = replace(samples.renewal_due, expires_on=last_day, ends_at=ends_at, days_left=days_left)
    event = structs.replace(samples.event(due), recordedat=recordedat, time=recordedat).as_of(at)
    assert isinstance(event.data, RenewalDue)
    assert event.data.days_left == left == (last_day - at.astimezone(zone).date()).days


@pytest.mark.rule("R25")
@pytest.mark.parametrize(("seconds", "names_it"), [(-1, True), (0, False), (86_400, False)])
def test_a_failed_deduction_that_is_told_late_names_no_attempt_that_is_past(seconds: int, names_it: bool) -> None:
    """Its email may have waited for the mail relay while the same attempt failed again, which says nothing new."""
    late = replace(samples.failed, next_attempt_at=samples.NOON + timedelta(days=1))
    told = samples.event(late).as_of(samples.NOON + timedelta(days=1, seconds=seconds))
    labels = [row.label for row in mail_content(told.data, samples.localizer("en")).details]
    assert ("Next deduction" in labels) is names_it


@pytest.mark.rule("R30")
@pytest.mark.parametrize(("seconds", "known"), [(-1, True), (0, False)])
def test_a_reminder_that_is_told_after_the_deduction_it_announces_promises_nothing_of_it(
    seconds: int, known: bool
) -> None:
    assert samples.covered.attempt_at is not None
    told = samples.event(samples.covered).as_of(samples.covered.attempt_at + timedelta(seconds=seconds))
    who = samples.localizer("en")
    content = mail_content(told.data, who)
    assert (content.advice == (who.text("renewal_due.will_charge.advice"),)) is known
    assert ("Next deduction" in [row.label for row in content.details]) is known


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
    changed = dict(variants.inbox_only())["specification_changed-120.00"]
    assert isinstance(changed, SpecificationChanged)
    who = samples.localizer(language)
    for data in (
        replace(samples.failed, currency="CNY"),
        replace(samples.automatic, currency="CNY"),
        replace(changed, currency="CNY"),
        quoted,
    ):
        message = inbox_message(samples.event(data), who, Brand())
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
    assert "4 other settings" in [row.value for row in content.details]


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
