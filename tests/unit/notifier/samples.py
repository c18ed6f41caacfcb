"""The sample events of the product as tests take them: rendered for one of the readers."""

from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from typing import Any

from notifier_service.content.addresses import mailbox
from notifier_service.content.brand import Brand
from notifier_service.content.catalogs import load_languages
from notifier_service.content.localizer import Localizer, localizer_for
from notifier_service.content.render import Links, MailMetadata, render
from notifier_service.content.samples.events import *  # noqa: F403 -- tests name them by this module
from notifier_service.content.samples.events import ADA, LIN, NOON
from notifier_service.content.samples.mails import READING
from notifier_service.content.samples.variants import sample_event
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.types import Contact

event = sample_event
LANGUAGES = load_languages()
READERS = {"en": ADA, "zh-CN": LIN}
"""Language -> a contact who reads it."""


def metadata() -> MailMetadata:
    return MailMetadata(
        links=Links(
            inbox_url="https://guard.example/inbox?token=a.b.c&from=mail",
            preferences_url="https://guard.example/inbox?token=a.b.c#preferences",
        ),
        brand=Brand(),
        notification_id="ntf-0123456789abcdef01234567",
        mail_from="Guard <notices@guard.example>",
        mail_domain="guard.example",
        date=NOON,
    )


def localizer(language: str, time_zone: str = "UTC") -> Localizer:
    return localizer_for(LANGUAGES, language, time_zone)


def wire(
    data: LifecycleData,
    contact: Contact = ADA,
    *,
    id: str = "lc-0007",  # noqa: A002
    version: int = 7,
    **changes: Any,
) -> bytes:
    """The mail about an event as it is sent; `changes` are those of its metadata."""
    who = localizer(contact.locale, contact.time_zone)
    about = event(data, id=id, version=version)
    return render(about, mailbox(contact), localizer=who, metadata=replace(metadata(), **changes))


def mail(data: LifecycleData, contact: Contact = ADA, **arguments: Any) -> EmailMessage:
    """The same as the other side reads it."""
    return message_from_bytes(wire(data, contact, **arguments), policy=READING)
