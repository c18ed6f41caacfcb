"""The calendar file of purchases, reminders and renewals: valid by RFC 5545 and 5546; a later one moves the entry."""

from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from shared.contracts.lifecycle import Activated, LifecycleData, RenewalDue, Renewed
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

WITH_FILE = [(name, data) for name, data in variants.mailed() if isinstance(data, Activated | RenewalDue | Renewed)]


def file_of(mail: EmailMessage) -> str:
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "text/calendar"
    assert attachment["Content-Type"].params["method"] == "PUBLISH"
    assert attachment.get_filename() == "expiration.ics"
    return str(attachment.get_content())


def entry_of(mail: EmailMessage) -> Any:
    [entry] = Calendar.from_ical(file_of(mail)).walk("VEVENT")
    return entry


@cases(("name", "data"), WITH_FILE)
def test_the_file_has_what_publishing_an_event_requires_and_nothing_that_it_forbids(
    name: str, data: LifecycleData
) -> None:
    text = file_of(samples.mail(data, mail_from='"Guard, Inc." <notices@guard.example>'))
    calendar = Calendar.from_ical(text)
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert calendar["PRODID"]
    [entry] = calendar.walk("VEVENT")
    assert {"DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY", "UID", "SEQUENCE"} <= set(entry)
    assert not {"ATTENDEE", "REQUEST-STATUS"} & set(entry)
    assert entry["ORGANIZER"] == "mailto:notices@guard.example"
    assert entry["ORGANIZER"].params["CN"] == "Guard, Inc."
    assert [set(alarm) for alarm in entry.walk("VALARM")] == [{"ACTION", "DESCRIPTION", "TRIGGER"}]
    assert not calendar.errors
    assert all(len(line.encode()) <= 75 for line in text.splitlines())


def test_the_entry_is_the_whole_expiration_day() -> None:
    entry = entry_of(samples.mail(samples.renewal_due))
    assert (entry["DTSTART"].dt, entry["DTEND"].dt) == (samples.LAST_DAY, samples.LAST_DAY + timedelta(days=1))
    assert entry["DTSTAMP"].dt == samples.NOON
    assert entry["TRANSP"] == "TRANSPARENT"
    assert "acct-1" in str(entry["DESCRIPTION"])
    assert "December 1, 2026 at 11:00" in str(entry["DESCRIPTION"])


@cases(("name", "data"), WITH_FILE)
def test_the_entry_states_no_price_since_nothing_would_correct_it(name: str, data: LifecycleData) -> None:
    assert "$" not in str(entry_of(samples.mail(data))["DESCRIPTION"])


@pytest.mark.rule("R13", "R20", "R32")
@cases("first", [samples.activated, samples.renewal_due])
@cases("renewed", [samples.renewed, samples.automatic, replace(samples.renewed, reactivated=True, retained={})])
def test_every_way_of_renewing_moves_the_entry_that_was_sent_before(first: LifecycleData, renewed: Renewed) -> None:
    sent, moved = entry_of(samples.mail(first)), entry_of(samples.mail(renewed, version=8))
    assert moved["UID"] == sent["UID"] == "expiration-sub-1@guard.example"
    assert moved["SEQUENCE"] > sent["SEQUENCE"]
    assert (sent["DTSTART"].dt, moved["DTSTART"].dt) == (samples.LAST_DAY, date(2027, 12, 1))
    assert "December 1, 2027 at 11:00" in str(moved["DESCRIPTION"])


def test_without_a_name_the_organizer_is_the_address_alone() -> None:
    entry = entry_of(samples.mail(samples.renewed, mail_from="notices@guard.example"))
    assert entry["ORGANIZER"] == "mailto:notices@guard.example"
    assert "CN" not in entry["ORGANIZER"].params


def test_the_file_is_in_the_language_of_the_reader() -> None:
    data = replace(samples.renewed, reactivated=True)
    assert "资产将不再受到防护" in str(entry_of(samples.mail(data, samples.LIN))["DESCRIPTION"])
