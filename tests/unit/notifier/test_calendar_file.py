"""The calendar file of reminders and renewals: valid by RFC 5545 and 5546, and a later file moves the earlier entry."""

from dataclasses import replace
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from icalendar import Calendar

from shared.contracts.lifecycle import LifecycleData, RenewalDue, Renewed
from tests.unit.notifier import samples

WITH_FILE = [(name, data) for name, data in samples.mailed() if isinstance(data, RenewalDue | Renewed)]


def file_of(mail: EmailMessage) -> str:
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "text/calendar"
    assert attachment["Content-Type"].params["method"] == "PUBLISH"
    assert attachment.get_filename() == "expiration.ics"
    return str(attachment.get_content())


def entry_of(mail: EmailMessage) -> Any:
    [entry] = Calendar.from_ical(file_of(mail)).walk("VEVENT")
    return entry


@pytest.mark.parametrize(("name", "data"), WITH_FILE, ids=[name for name, _ in WITH_FILE])
def test_the_file_has_what_publishing_an_event_requires_and_nothing_that_it_forbids(
    name: str, data: LifecycleData
) -> None:
    text = file_of(samples.mail(data, mail_from='"Tenure, Inc." <notices@tenure.example>'))
    calendar = Calendar.from_ical(text)
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert calendar["PRODID"]
    [entry] = calendar.walk("VEVENT")
    assert {"DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY", "UID", "SEQUENCE"} <= set(entry)
    assert not {"ATTENDEE", "REQUEST-STATUS"} & set(entry)
    assert entry["ORGANIZER"] == "mailto:notices@tenure.example"
    assert entry["ORGANIZER"].params["CN"] == "Tenure, Inc."
    assert [set(alarm) for alarm in entry.walk("VALARM")] == [{"ACTION", "DESCRIPTION", "TRIGGER"}]
    assert not calendar.errors
    assert all(len(line.encode()) <= 75 for line in text.splitlines())


def test_the_entry_is_the_whole_expiration_day() -> None:
    entry = entry_of(samples.mail(samples.renewal_due))
    assert (entry["DTSTART"].dt, entry["DTEND"].dt) == (samples.LAST_DAY, samples.LAST_DAY + timedelta(days=1))
    assert entry["DTSTAMP"].dt == samples.NOON
    assert entry["TRANSP"] == "TRANSPARENT"
    assert "$921.00" in str(entry["DESCRIPTION"])


def test_a_renewal_moves_the_entry_of_the_reminder() -> None:
    first = entry_of(samples.mail(samples.renewal_due))
    moved = entry_of(samples.mail(samples.renewed, version=8))
    assert moved["UID"] == first["UID"] == "expiration-sub-1@tenure.example"
    assert moved["SEQUENCE"] > first["SEQUENCE"]
    assert moved["DTSTART"].dt == date(2027, 12, 1)
    assert "December 1, 2027 at 11:00" in str(moved["DESCRIPTION"])


def test_without_a_name_the_organizer_is_the_address_alone() -> None:
    entry = entry_of(samples.mail(samples.renewed, mail_from="notices@tenure.example"))
    assert entry["ORGANIZER"] == "mailto:notices@tenure.example"
    assert "CN" not in entry["ORGANIZER"].params


def test_the_file_is_in_the_language_of_the_reader() -> None:
    data = replace(samples.renewed, reactivated=True)
    assert "资产将不再受到防护" in str(entry_of(samples.mail(data, samples.LIN))["DESCRIPTION"])
