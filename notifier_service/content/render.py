"""A lifecycle event as a mail, and as an internal message. Pure: no clock, no network, no database.

The content comes from `messages`, the layout from `templates`. Every value from outside is escaped in HTML, and none
can add a header (`addresses`, `names` and `headers`).
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape

from notifier_service.content import headers
from notifier_service.content.addresses import UnusableAddress, mailbox
from notifier_service.content.calendar_file import expiration_calendar
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import mail_content
from notifier_service.content.messages.mail_content import Detail, MailContent, paragraphs
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.types import Contact

__all__ = ["InboxText", "Links", "MailMetadata", "UnusableAddress", "inbox_message", "render"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Absolute URLs of pages that exist; None leaves the button or the link out."""

    inbox_url: str | None = None
    preferences_url: str | None = None


@dataclass(frozen=True, slots=True)
class InboxText:
    """An internal message; `body` is plain text in paragraphs, with one detail per line."""

    title: str
    body: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMetadata:
    """What does not depend on the content; `date` is real time, `mail_from` a mailbox such as `A <a@b.example>`."""

    links: Links
    notification_id: str
    mail_from: str
    mail_domain: str
    date: datetime


def render(event: LifecycleEvent, contact: Contact, *, localizer: Localizer, metadata: MailMetadata) -> EmailMessage:
    """The mail about one event: text and HTML, with a calendar file where the expiration date is set or near.

    Raises `UnusableAddress` where no mail can reach the contact.
    """
    to = mailbox(contact)
    content = mail_content(event.data, localizer)
    mail = _with_headers(event, content, to, metadata)
    context = _context(event, content, localizer, name=to.display_name, metadata=metadata)
    mail.set_content(_template("mail.txt").render(context))
    mail.add_alternative(_template("mail.html").render(context), subtype="html")
    organizer = mail["From"].addresses[0]
    if file := expiration_calendar(
        event, localizer, organizer=organizer, mail_domain=metadata.mail_domain, date=metadata.date
    ):
        mail.add_attachment(file, subtype="calendar", filename="expiration.ics", params={"method": "PUBLISH"})
    return mail


def inbox_message(event: LifecycleEvent, localizer: Localizer, link: str | None) -> InboxText:
    """The same content as an internal message; `link` is where it leads, if anywhere."""
    content = mail_content(event.data, localizer)
    rows = _rows(event, content, localizer)
    details = "\n".join(localizer.text("detail", label=row.label, value=row.value) for row in rows)
    parts = (*content.lead, details, *_obstacle_texts(content), *content.advice)
    return InboxText(content.title, "\n\n".join(part for part in parts if part), link)


def _rows(event: LifecycleEvent, content: MailContent, localizer: Localizer) -> tuple[Detail, ...]:
    """All facts as rows: the highlight, the account, the details."""
    highlight = (content.highlight.detail,) if content.highlight else ()
    return (*highlight, _account(event, localizer), *content.details)


def _account(event: LifecycleEvent, localizer: Localizer) -> Detail:
    return Detail(localizer.text("label.account"), event.metadata.account_id)


def _obstacle_texts(content: MailContent) -> tuple[str, ...]:
    if content.obstacles is None:
        return ()
    return paragraphs(content.obstacles.title, *content.obstacles.sentences, content.obstacles.remedy)


def _with_headers(event: LifecycleEvent, content: MailContent, to: Address, metadata: MailMetadata) -> EmailMessage:
    mail = EmailMessage(policy=headers.policy())
    mail["From"] = metadata.mail_from
    mail["To"] = to
    mail["Subject"] = content.subject
    mail["Date"] = metadata.date
    mail["Message-ID"] = f"<{metadata.notification_id}@{metadata.mail_domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Tenure-Notification"] = metadata.notification_id
    mail["X-Tenure-Event"] = event.id
    mail["X-Tenure-Type"] = event.kind
    return mail


def _context(
    event: LifecycleEvent, content: MailContent, localizer: Localizer, *, name: str, metadata: MailMetadata
) -> dict[str, object]:
    """What the templates are filled with."""
    text = localizer.text
    return {
        "content": content,
        "language": localizer.language.tag,
        "text": text,
        "greeting": text("greeting", name=name) if name else text("greeting.without_name"),
        "zone": text("footer.zone", zone=localizer.zone.key) if localizer.zone_known else text("footer.zone_unknown"),
        "account": _account(event, localizer),
        "rows": _rows(event, content, localizer),
        "reference": metadata.notification_id,
        "links": metadata.links,
    }


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
