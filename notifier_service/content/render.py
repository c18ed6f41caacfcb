"""A lifecycle event as a mail, and as an internal message. Pure: no clock, no network, no database.

The content comes from `messages`, the layout from `templates`. Every value from outside is escaped in HTML, and none
can add a header (`addresses`, `names` and `headers`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.utils import format_datetime
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template, select_autoescape
from msgspec import Struct

from notifier_service.content import headers
from notifier_service.content.brand import Brand
from notifier_service.content.button import button, page_url
from notifier_service.content.calendar_file import CalendarMetadata, expiration_calendar
from notifier_service.content.headers import header, identifier
from notifier_service.content.localizer import Localizer
from notifier_service.content.mail_parts import logo_part, multipart, text_part
from notifier_service.content.messages import mail_content
from notifier_service.content.messages.mail_content import Detail, MailContent, paragraphs
from notifier_service.decisions.lifecycle_event import LifecycleEvent

_CALENDAR: Final = 'text/calendar; method="PUBLISH"'
_FILE: Final = 'attachment; filename="expiration.ics"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Absolute URLs of pages that exist; None leaves the button or the link out.

    `unsubscribe_url`: a POST there mutes the kind of this mail for its recipient (RFC 8058).
    """

    inbox_url: str | None = None
    preferences_url: str | None = None
    unsubscribe_url: str | None = None


@dataclass(frozen=True, slots=True)
class MailTexts:
    """What a mail says, before it is packed for its way."""

    subject: str
    plain: str
    html: str


class InboxText(Struct, frozen=True):
    """An internal message; `body` is plain text in paragraphs, with one detail per line."""

    title: str
    body: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailMetadata:
    """What does not depend on the content; `date` is real time, `mail_from` a mailbox such as `A <a@b.example>`.

    `further`: it goes to a further recipient (R52), not to the contact.
    """

    links: Links
    brand: Brand
    notification_id: str
    mail_from: str
    mail_domain: str
    date: datetime
    further: bool = False


def render(event: LifecycleEvent, to: Address, *, localizer: Localizer, metadata: MailMetadata) -> bytes:
    """The mail about one event, in wire format: text and HTML, with a calendar file where the expiration date is set or
    near.
    """
    texts = mail_texts(event, localizer, name=to.display_name, metadata=metadata)
    sender = headers.sender(metadata.brand.sender(metadata.mail_from))
    body = [text_part(texts.plain, "text/plain"), _with_logo(text_part(texts.html, "text/html"), metadata)]
    content = multipart("alternative", body)
    if file := expiration_calendar(event, localizer, _calendar_metadata(sender.address, metadata)):
        content = multipart("mixed", [content, text_part(file, _CALENDAR, _FILE)])
    lines = (sender.header, headers.recipient(to), headers.subject(texts.subject), *_other_headers(event, metadata))
    return "".join(lines).encode("ascii") + content


def mail_texts(event: LifecycleEvent, localizer: Localizer, *, name: str, metadata: MailMetadata) -> MailTexts:
    """What the mail about one event says to somebody of this name; an empty one is greeted without it."""
    content = mail_content(event.data, localizer)
    context = _context(event, content, localizer, name=name, metadata=metadata)
    return MailTexts(content.subject, _template("mail.txt").render(context), _template("mail.html").render(context))


def _with_logo(html: bytes, metadata: MailMetadata) -> bytes:
    """The HTML, with the picture that it names by its id."""
    logo = metadata.brand.logo
    return multipart("related", [html, logo_part(logo, _logo_id(metadata))]) if logo else html


def _logo_id(metadata: MailMetadata) -> str:
    return f"logo@{metadata.mail_domain}"


def _calendar_metadata(organizer: Address, metadata: MailMetadata) -> CalendarMetadata:
    return CalendarMetadata(
        organizer=organizer,
        product_name=metadata.brand.product_name,
        mail_domain=metadata.mail_domain,
        date=metadata.date,
    )


def inbox_message(event: LifecycleEvent, localizer: Localizer, brand: Brand) -> InboxText:
    """The same content as an internal message, with a link to where its reader acts, if the brand has such a page."""
    content = mail_content(event.data, localizer)
    rows = _rows(event, content, localizer)
    details = "\n".join(localizer.text("detail", label=row.label, value=row.value) for row in rows)
    parts = (*content.lead, details, *_obstacle_texts(content), *content.advice)
    return InboxText(content.title, "\n\n".join(part for part in parts if part), page_url(content.page, event, brand))


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


def _other_headers(event: LifecycleEvent, metadata: MailMetadata) -> Iterator[str]:
    """Those after sender, recipient and subject; the type of the content comes with the content."""
    yield header("Date", format_datetime(metadata.date))
    yield identifier("Message-ID", f"<{metadata.notification_id}@{metadata.mail_domain}>")
    yield header("Auto-Submitted", "auto-generated")
    yield identifier("X-Tenure-Notification", metadata.notification_id)
    yield identifier("X-Tenure-Event", event.id)
    yield identifier("X-Tenure-Type", event.kind)
    if metadata.links.unsubscribe_url:
        yield identifier("List-Unsubscribe", f"<{metadata.links.unsubscribe_url}>")
        yield identifier("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    yield header("MIME-Version", "1.0")


def _context(
    event: LifecycleEvent, content: MailContent, localizer: Localizer, *, name: str, metadata: MailMetadata
) -> dict[str, object]:
    """What the templates are filled with."""
    text = localizer.text
    return {
        "content": content,
        "language": localizer.language.tag,
        "direction": localizer.language.direction,
        "text": text,
        "greeting": text("greeting", name=name) if name else text("greeting.without_name"),
        "zone": text("footer.zone", zone=localizer.zone.key) if localizer.zone_known else text("footer.zone_unknown"),
        "account": _account(event, localizer),
        "rows": _rows(event, content, localizer),
        "reference": metadata.notification_id,
        "links": metadata.links,
        "brand": metadata.brand,
        "button": button(content.page, event, metadata.brand, inbox_url=metadata.links.inbox_url),
        "logo_id": _logo_id(metadata),
        "why": text("footer.recipient" if metadata.further else "footer.contact"),
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
