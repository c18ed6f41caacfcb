"""A lifecycle event as a mail, and as an internal message. Pure: no clock, no network, no database.

The words come from `letters` and `words`, the shape from `templates`. Every value that others chose is
escaped in HTML, and can never add a header: `addresses` and `headers` see to that.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache
from typing import TypedDict, Unpack

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from notifier_service.content import headers
from notifier_service.content.addresses import UnusableAddress, person, recipient
from notifier_service.content.calendar_file import expiration
from notifier_service.content.letters import write
from notifier_service.content.letters.letter import MailContent
from notifier_service.content.localizer import Localizer, localizer
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.lifecycle import RenewalDue
from shared.contracts.types import Contact

__all__ = ["InboxText", "Links", "Postmark", "UnusableAddress", "inbox_message", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Absolute addresses of pages that exist; None leaves button or link out."""

    inbox_url: str | None = None
    preferences_url: str | None = None


@dataclass(frozen=True, slots=True)
class InboxText:
    """An internal message; `body` is plain text in paragraphs, with one fact a line."""

    title: str
    body: str
    link: str | None


class Postmark(TypedDict):
    """What stands on a mail whatever it says: `date` is real time, `mail_from` one mailbox."""

    links: Links
    notification_id: str
    mail_from: str
    mail_domain: str
    date: datetime


def render(kind: str, event: LifecycleEvent, contact: Contact, **postmark: Unpack[Postmark]) -> EmailMessage:
    """The mail for one event: text and HTML, with a calendar file for the reminder.

    Raises `UnusableAddress` where no mail can reach the contact.
    """
    to = recipient(contact)
    who = localizer(contact.locale, contact.time_zone)
    letter = write(event.data, who)
    mail = _addressed(letter, to, postmark)
    mail["X-Tenure-Event"] = event.id
    mail["X-Tenure-Type"] = kind
    _fill(mail, _context(letter, who, event, name=person(contact.name), postmark=postmark))
    if isinstance(event.data, RenewalDue):
        calendar = expiration(event, event.data, who, date=postmark["date"], mail_domain=postmark["mail_domain"])
        mail.add_attachment(calendar, subtype="calendar", filename="expiration.ics", params={"method": "PUBLISH"})
    return mail


def inbox_message(event: LifecycleEvent, locale: str, time_zone: str, link: str | None) -> InboxText:
    """The same content for the inbox, in the language and zone given."""
    who = localizer(locale, time_zone)
    letter = write(event.data, who)
    facts = "\n".join(who.say("fact", label=fact.label, value=fact.value) for fact in letter.facts)
    hurdles = (letter.hurdles.title, *letter.hurdles.items) if letter.hurdles else ()
    parts = (*letter.lead, facts, *hurdles, *letter.advice)
    return InboxText(letter.title, "\n\n".join(part for part in parts if part), link)


def _addressed(letter: MailContent, to: Address, postmark: Postmark) -> EmailMessage:
    mail = EmailMessage(policy=headers.policy())
    mail["From"] = postmark["mail_from"]
    mail["To"] = to
    mail["Subject"] = letter.subject
    mail["Date"] = postmark["date"]
    mail["Message-ID"] = f"<{postmark['notification_id']}@{postmark['mail_domain']}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Tenure-Notification"] = postmark["notification_id"]
    return mail


def _context(
    letter: MailContent, who: Localizer, event: LifecycleEvent, *, name: str, postmark: Postmark
) -> dict[str, object]:
    return {
        "letter": letter,
        "language": who.language,
        "say": who.say,
        "greeting": who.say("greeting", name=name) if name else who.say("greeting.nameless"),
        "zone": who.say("footer.zone", zone=who.zone.key) if who.zone_known else who.say("footer.zone_unknown"),
        "account": event.stamp.account_id,
        "reference": postmark["notification_id"],
        "links": postmark["links"],
    }


def _fill(mail: EmailMessage, context: dict[str, object]) -> None:
    mail.set_content(_template("mail.txt").render(context))
    mail.add_alternative(_template("mail.html").render(context), subtype="html")


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    """Escapes in HTML, refuses what is not given, and reads each template once."""
    return Environment(
        loader=PackageLoader("notifier_service.content"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
