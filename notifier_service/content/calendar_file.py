"""The expiration date as a calendar file (iCalendar, RFC 5545), published by RFC 5546. Pure.

One entry for the whole day E, sent with each mail about an event that sets E or reminds of it. Its UID is made from the
subscription, and its SEQUENCE is the version of the event: the file of a later event moves the entry that an earlier
one made. It states no price: a change of specification sends no mail that could correct it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from typing import Final

from icalendar import Alarm, Calendar, Event, vCalAddress

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import Activated, RenewalDue, Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended

_NO_PRODUCT: Final = "Subscription notices"


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
    description = localizer.text("calendar.description", account=event.metadata.account_id, ends=ends)
    summary = _summary(metadata.product_name, localizer)
    entry = Event()
    entry.add("uid", f"expiration-{event.metadata.subscription_id}@{metadata.mail_domain}")
    entry.add("sequence", event.metadata.version)
    entry.add("dtstamp", metadata.date)
    entry.add("organizer", _calendar_address(metadata.organizer))
    entry.add("dtstart", data.expires_on)
    entry.add("dtend", data.expires_on + timedelta(days=1))
    entry.add("summary", summary)
    entry.add("description", description)
    entry.add("transp", "TRANSPARENT")
    entry.add_component(_alarm(summary))
    return str(_calendar(entry, metadata.product_name or _NO_PRODUCT).to_ical().decode())


def _summary(product_name: str | None, localizer: Localizer) -> str:
    if product_name is None:
        return localizer.text("calendar.summary")
    return localizer.text("calendar.summary.product", product=product_name)


def _calendar_address(address: Address) -> vCalAddress:
    shown = vCalAddress(f"mailto:{address.addr_spec}")
    if address.display_name:
        shown.params["cn"] = address.display_name
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
