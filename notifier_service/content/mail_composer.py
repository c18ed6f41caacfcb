"""From a lifecycle event to the bytes of its mail.

Composed again for a retry, a mail differs in `Date`, in its links and in what changes with time (the days left), never
in its `Message-ID`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from notifier_service.content.addresses import mailbox
from notifier_service.content.brand import Brand
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import Links, MailMetadata, render
from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.lifecycle_event import LifecycleEvent


@dataclass(frozen=True, slots=True)
class Mail:
    """`recipient` is the address alone, for the SMTP envelope; `content` is the whole message in wire format."""

    notification_id: str
    recipient: str
    content: bytes


LinksFor: TypeAlias = Callable[[LifecycleEvent, Addressee, str], Links]


class MailComposer:
    """Composes mails in one brand, from one mailbox, `mail_from`, with message ids in `mail_domain`.

    `links_for`: the links of the mail about an event, to somebody, with a notification id.
    """

    def __init__(
        self,
        languages: Languages,
        brand: Brand,
        links_for: LinksFor,
        *,
        mail_from: str,
        mail_domain: str,
    ) -> None:
        self._languages = languages
        self._brand = brand
        self._links_for = links_for
        self._from = mail_from
        self._domain = mail_domain

    def compose(self, event: LifecycleEvent, addressee: Addressee, notification_id: str) -> Mail:
        """The mail about an event, in the addressee's language and zone. Raises `UnusableAddress`."""
        contact = addressee.contact
        to = mailbox(contact)
        metadata = MailMetadata(
            links=self._links_for(event, addressee, notification_id),
            brand=self._brand,
            further=addressee.recipient_id is not None,
            notification_id=notification_id,
            mail_from=self._from,
            mail_domain=self._domain,
            date=datetime.now(UTC),
        )
        localizer = localizer_for(self._languages, contact.locale, contact.time_zone)
        content = render(event, to, localizer=localizer, metadata=metadata)
        return Mail(notification_id=notification_id, recipient=to.addr_spec, content=content)
