"""The expiration date as a calendar file (iCalendar, RFC 5545), published by RFC 5546. Pure.

One entry for the whole day E, sent with each mail about an event that sets E or reminds of it. Its UID is made from the
subscription, and its SEQUENCE is the version of the event: the file of a later event moves the entry that an earlier
one made. It states no price: a change of specification sends no mail that could correct it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from functools import lru_cache
from typing import Final

from icalendar import Alarm, Calendar, Component, Event, vCalAddress

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import Activated, RenewalDue, Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended

_NO_PRODUCT: Final = "Subscription notices"
_BEGIN: Final = "BEGIN:VEVENT\r\n"
_END: Final = "END:VEVENT\r\n"


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
    ends = localizer.moment(data.ends_at)
    entry = Event()
    entry.add("uid", f"expiration-{event.metadata.subscription_id}@{metadata.mail_domain}")
    entry.add("sequence", event.metadata.version)
    entry.add("dtstamp", metadata.date)
    entry.add("dtstart", data.expires_on)
    entry.add("dtend", data.expires_on + timedelta(days=1))
    entry.add("description", localizer.text("calendar.description", account=event.metadata.account_id, ends=ends))
    summary = _summary(metadata.product_name, localizer)
    organizer = (metadata.organizer.addr_spec, metadata.organizer.display_name)
    return _filled(_frame(summary, organizer, metadata.product_name or _NO_PRODUCT), entry)


def _filled(frame: str, entry: Event) -> str:
    """The frame with the properties of this entry beside those that are in it already."""
    _, own = _text(entry).split(_BEGIN, 1)
    return frame.replace(_BEGIN, _BEGIN + own.removesuffix(_END), 1)


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
    return _text(_calendar(entry, made_by))


def _text(component: Component) -> str:
    return str(component.to_ical().decode())


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
