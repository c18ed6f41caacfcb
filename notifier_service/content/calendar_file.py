"""The expiration date as a calendar file (iCalendar, RFC 5545), published by RFC 5546. Pure.

One entry for the whole day E, sent with each mail about an event that sets E or reminds of it. Its UID is made from the
subscription, and its SEQUENCE is the version of the event: the file of a later event moves the entry that an earlier
one made. It states no price: a change of specification sends no mail that could correct it.
"""

from datetime import datetime, timedelta
from email.headerregistry import Address

from icalendar import Alarm, Calendar, Event, vCalAddress

from notifier_service.content.localizer import Localizer
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import Activated, RenewalDue, Renewed
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended


def expiration_calendar(
    event: LifecycleEvent, localizer: Localizer, *, organizer: Address, mail_domain: str, date: datetime
) -> str | None:
    """The file's text with CRLF, for events that set E or remind of it; None for others. `date` is when it is made."""
    match event.data:
        case RenewalDue() | Renewed() | Activated() | RenewalTakenBack() | TermExtended() as data:
            pass
        case _:
            return None
    ends = localizer.moment(data.ends_at)
    description = localizer.text("calendar.description", account=event.metadata.account_id, ends=ends)
    entry = Event()
    entry.add("uid", f"expiration-{event.metadata.subscription_id}@{mail_domain}")
    entry.add("sequence", event.metadata.version)
    entry.add("dtstamp", date)
    entry.add("organizer", _calendar_address(organizer))
    entry.add("dtstart", data.expires_on)
    entry.add("dtend", data.expires_on + timedelta(days=1))
    entry.add("summary", localizer.text("calendar.summary"))
    entry.add("description", description)
    entry.add("transp", "TRANSPARENT")
    entry.add_component(_alarm(localizer))
    return str(_calendar(entry).to_ical().decode())


def _calendar_address(address: Address) -> vCalAddress:
    shown = vCalAddress(f"mailto:{address.addr_spec}")
    if address.display_name:
        shown.params["cn"] = address.display_name
    return shown


def _alarm(localizer: Localizer) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", localizer.text("calendar.summary"))
    alarm.add("trigger", timedelta(days=-1))
    return alarm


def _calendar(entry: Event) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Tenure//Notifier//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return calendar
