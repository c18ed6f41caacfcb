"""The expiration as a calendar file (iCalendar), for the reminder. Pure.

One day-long entry on E with a stable UID for each subscription, so that a later reminder moves the same entry.
"""

from datetime import datetime, timedelta

from icalendar import Alarm, Calendar, Event

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.expiry import reminder_words
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import RenewalDue


def expiration_calendar(
    event: LifecycleEvent, data: RenewalDue, localizer: Localizer, *, date: datetime, mail_domain: str
) -> str:
    """The file's text, with CRLF; `date` is when it was written."""
    words = reminder_words(data, localizer)
    entry = Event()
    entry.add("uid", f"expiration-{event.stamp.subscription_id}@{mail_domain}")
    entry.add("sequence", event.stamp.version)
    entry.add("dtstamp", date)
    entry.add("dtstart", data.expires_on)
    entry.add("dtend", data.expires_on + timedelta(days=1))
    entry.add("summary", localizer.text("renewal_due.calendar.summary"))
    entry.add("description", localizer.text("renewal_due.calendar.description", **words))
    entry.add("transp", "TRANSPARENT")
    entry.add_component(_alarm(localizer))
    return str(_calendar(entry).to_ical().decode())


def _alarm(localizer: Localizer) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", localizer.text("renewal_due.calendar.summary"))
    alarm.add("trigger", timedelta(days=-1))
    return alarm


def _calendar(entry: Event) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Tenure//Notifier//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return calendar
