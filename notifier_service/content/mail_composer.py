"""From a claimed email to the bytes that are sent; made again they differ in `Date` and in what passes with time."""

from datetime import UTC, datetime

from notifier_service.content.render import Links, render
from notifier_service.decisions.decide import contact_for
from notifier_service.delivery.leases import Claim
from notifier_service.delivery.smtp import Mail
from shared.runtime.settings import Settings


class NoContact(Exception):
    """Nobody to write to is known."""


class MailComposer:
    """Writes mails in the name of `TENURE_MAIL_FROM`."""

    def __init__(self, settings: Settings) -> None:
        self._from = settings.mail_from
        self._domain = settings.mail_domain

    def write(self, claim: Claim) -> Mail:
        """The mail to the recipient as known now. Raises `NoContact`, `UnusableAddress`."""
        contact = contact_for(claim.event, claim.recipient.contact)
        if contact is None:
            raise NoContact
        message = render(
            claim.event.kind,
            claim.event,
            contact,
            links=Links(),
            notification_id=claim.notice.notification_id,
            mail_from=self._from,
            mail_domain=self._domain,
            date=datetime.now(UTC),
        )
        return Mail(recipient=message["To"].addresses[0].addr_spec, content=message.as_bytes())
