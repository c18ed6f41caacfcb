"""From a claimed email to the bytes that are sent.

Composed again for a retry, a mail differs in `Date` and in what changes with time (the days left), never in its
`Message-ID`.
"""

from datetime import UTC, datetime

from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import Links, MailMetadata, render
from notifier_service.decisions.decide import contact_for
from notifier_service.delivery.leases import Claim
from notifier_service.delivery.smtp import Mail
from shared.runtime.settings import Settings


class NoContact(Exception):
    """No contact of the account is known."""


class MailComposer:
    """Composes mails from `TENURE_MAIL_FROM`, with message ids of `TENURE_MAIL_DOMAIN`."""

    def __init__(self, settings: Settings, languages: Languages) -> None:
        self._from = settings.mail_from
        self._domain = settings.mail_domain
        self._languages = languages

    def compose(self, claim: Claim) -> Mail:
        """The mail to the contact as known now. Raises `NoContact`, `UnusableAddress`."""
        contact = contact_for(claim.event, claim.recipient.contact)
        if contact is None:
            raise NoContact
        metadata = MailMetadata(
            links=Links(),
            notification_id=claim.notice.notification_id,
            mail_from=self._from,
            mail_domain=self._domain,
            date=datetime.now(UTC),
        )
        localizer = localizer_for(self._languages, contact.locale, contact.time_zone)
        message = render(claim.event, contact, localizer=localizer, metadata=metadata)
        return Mail(recipient=message["To"].addresses[0].addr_spec, content=message.as_bytes())
