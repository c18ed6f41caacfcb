"""The expiration date as a calendar file (iCalendar, RFC 5545), published by RFC 5546. Pure.

One entry for the whole day E, sent with each mail about an event that sets E or reminds of it. Its UID is made from the
subscription, and its SEQUENCE is the version of the event: the file of a later event moves the entry that an earlier
one made. It states no price: a change of specification sends no mail that could correct it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.headerregistry import Address
from functools import lru_cache
from typing import Final, TypeAlias

from icalendar import Alarm, Calendar, Event, vCalAddress, vText
from icalendar.parser import Contentline

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import Activated, RenewalDue, Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended

_NO_PRODUCT: Final = "Subscription notices"
_BEGIN: Final = "BEGIN:VEVENT\r\n"
_LINE_BYTES: Final = 75
_WithEnd: TypeAlias = RenewalDue | Renewed | Activated | RenewalTakenBack | TermExtended


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarMetadata:
    """What does not depend on the event; `date` is when the file is made."""

    organizer: Address
    product_name: str | None
    mail_domain: str
    date: datetime


def expiration_calendar(event: LifecycleEvent, localizer: Localizer, metadata: CalendarMetadata) -> str | None:
    """The file's text with CRLF, for events that set E or remind of it; None for others."""
    match event.data:
        case RenewalDue() | Renewed() | Activated() | RenewalTakenBack() | TermExtended() as data:
            pass
        case _:
            return None
    summary = _summary(metadata.product_name, localizer)
    organizer = (metadata.organizer.addr_spec, metadata.organizer.display_name)
    frame = _frame(summary, organizer, metadata.product_name or _NO_PRODUCT)
    return frame.replace(_BEGIN, _BEGIN + "".join(map(_line, _own(event, data, localizer, metadata))), 1)


def _own(event: LifecycleEvent, data: _WithEnd, localizer: Localizer, metadata: CalendarMetadata) -> Iterator[str]:
    """The properties of this entry alone, in the order in which the library writes them."""
    account, ends = event.metadata.account_id, localizer.moment(data.ends_at)
    yield f"DTSTART;VALUE=DATE:{data.expires_on:%Y%m%d}"
    yield f"DTEND;VALUE=DATE:{data.expires_on + timedelta(days=1):%Y%m%d}"
    yield f"DTSTAMP:{metadata.date.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"UID:expiration-{event.metadata.subscription_id}@{metadata.mail_domain}"
    yield f"SEQUENCE:{event.metadata.version}"
    yield f"DESCRIPTION:{_value(localizer.text('calendar.description', account=account, ends=ends))}"


def _line(line: str) -> str:
    """A line of the file; the library, which folds long ones, looks at each letter."""
    if len(line) >= _LINE_BYTES or not line.isascii():
        line = Contentline(line).to_ical().decode()  # type: ignore[no-untyped-call]
    return f"{line}\r\n"


def _value(text: str) -> str:
    return vText(text).to_ical().decode()


@lru_cache(maxsize=256)
def _frame(summary: str, organizer: tuple[str, str], made_by: str) -> str:
    """A calendar with what all entries in one language have in common, which is most of it, and so is made once.

    `organizer`: address and name.
    """
    entry = Event()
    entry.add("organizer", _calendar_address(*organizer))
    entry.add("summary", summary)
    entry.add("transp", "TRANSPARENT")
    entry.add_component(_alarm(summary))
    return str(_calendar(entry, made_by).to_ical().decode())


def _summary(product_name: str | None, localizer: Localizer) -> str:
    if product_name is None:
        return localizer.text("calendar.summary")
    return localizer.text("calendar.summary.product", product=product_name)


def _calendar_address(addr_spec: str, name: str) -> vCalAddress:
    shown = vCalAddress(f"mailto:{addr_spec}")
    if name:
        shown.params["cn"] = name
    return shown


def _alarm(summary: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", summary)
    alarm.add("trigger", timedelta(days=-1))
    return alarm


def _calendar(entry: Event, made_by: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", f"-//{made_by.replace('/', ' ')}//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return calendar
