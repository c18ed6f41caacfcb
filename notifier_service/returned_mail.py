"""Mail that came back, in one transaction: it is recorded, its address goes on the suppression list, the outcome is
published, the account's inbox says so, and what must not fall silent goes to the next recipient instead (R52).

`http.bounces` calls it for what is reported, `delivery.lease_holder` where a relay refuses an address for good.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier_service.bounces.address import address_hash
from notifier_service.content.bounce_message import bounce_message
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.decisions.bounce import Bounce, BounceKind
from notifier_service.decisions.channels import PROTECTED
from notifier_service.decisions.decide import passed_on
from notifier_service.decisions.held_back import why_held_back
from notifier_service.decisions.lifecycle_event import LifecycleEvent, read
from notifier_service.decisions.notification import NotificationStatus, Returned
from notifier_service.decisions.plan import notification_id
from notifier_service.decisions.recipient import AddressOwner, Recipient, address_owner
from notifier_service.storage import bounces, kept_mails, messages, notifications, suppressions
from notifier_service.storage.messages import NewMessage
from notifier_service.storage.notifications import notification_of
from notifier_service.storage.signals import Signal
from notifier_service.storage.suppressions import Suppression
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.envelope import decode
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.outcomes import Channel
from shared.runtime.settings import Settings
from shared.storage.database import Connection


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """Records what came back; `languages` are for the messages about it, which the mode of delivery may hold back."""

    languages: Languages
    settings: Settings

    async def record(
        self,
        connection: Connection,
        reported: Sequence[Bounce],
        known: Mapping[str, Recipient],
        unit_of_work: UnitOfWork,
    ) -> int:
        """How many of the reports said something new; the others change nothing.

        `known`: the recipients of the accounts, locked by the caller before anything else, since messages are inserted.
        """
        before = await bounces.returned_before(connection, [bounce.notification_id for bounce in reported])
        returned = await bounces.record(connection, reported)
        by_id = {bounce.notification_id: bounce for bounce in reported}
        ended = [row for row in returned if BounceKind(row.bounce).outcome is not None]
        listed = await suppressions.add(connection, _suppressions(ended, unit_of_work))
        await self._tell(connection, _first_of_each_inbox(ended, listed, before), known, unit_of_work)
        for row in ended:
            result = Returned(_outcome(row), by_id[row.notification_id].detail)
            unit_of_work.add_final_result(notification_of(row), result, attempts=row.attempts, at=unit_of_work.now)
        await _pass_on(connection, [(row, by_id[row.notification_id]) for row in ended], known, unit_of_work)
        return len(returned)

    async def _tell(
        self, connection: Connection, told: Sequence[Any], known: Mapping[str, Recipient], unit_of_work: UnitOfWork
    ) -> None:
        """The inboxes of these say so, unless inboxes are held back."""
        if told and why_held_back(Channel.INBOX, self.settings.delivery) is None:
            await messages.add(connection, [self._notice(row, known[row.account_id], unit_of_work) for row in told])
            unit_of_work.signals.add(Signal.INBOX)

    def _notice(self, row: Any, recipient: Recipient, unit_of_work: UnitOfWork) -> NewMessage:
        kind = BounceKind(row.bounce)
        contact = recipient.contact
        locale, time_zone = (contact.locale, contact.time_zone) if contact else ("en", "UTC")
        localizer = localizer_for(self.languages, locale, time_zone)
        text = bounce_message(kind, row.recipient or "", localizer, self._owner(row, recipient))
        return NewMessage(
            message_id=notification_id(f"{kind}:{row.notification_id}", Channel.INBOX),
            account_id=row.account_id,
            kind=f"email_{kind.outcome}",
            title=text.title,
            body=text.body,
            link=text.link,
            created_at=unit_of_work.now,
        )

    def _owner(self, row: Any, recipient: Recipient) -> AddressOwner:
        return address_owner(recipient, lambda address: address_hash(self.settings, address) == row.address_hash)


def _suppressions(ended: Sequence[Any], unit_of_work: UnitOfWork) -> list[Suppression]:
    """None for an email whose address was not kept, as after an erasure (R48)."""
    by_address = {row.address_hash: row for row in ended if row.address_hash}
    return [
        Suppression(row.address_hash, _outcome(row), unit_of_work.now, row.notification_id)
        for row in by_address.values()
    ]


def _first_of_each_inbox(
    ended: Sequence[Any], listed: Collection[str], before: Collection[tuple[str, str]]
) -> list[Any]:
    """Those of which an inbox has to say that they came back, one for each address: it is on the list only now
    (`listed`), or nothing had come back from there to this account (`before`).
    """
    by_inbox = {(row.account_id, row.address_hash): row for row in ended if row.address_hash}
    return [row for key, row in by_inbox.items() if row.address_hash in listed or key not in before]


def _outcome(row: Any) -> NotificationStatus:
    return NotificationStatus(BounceKind(row.bounce).outcome or "")


async def _pass_on(
    connection: Connection,
    ended: Sequence[tuple[Any, Bounce]],
    known: Mapping[str, Recipient],
    unit_of_work: UnitOfWork,
) -> None:
    """Queue emails to the next recipients."""
    decisions = []
    for row, bounce in ended:
        event = await _event(connection, bounce) if row.kind in PROTECTED else None
        if event and (decision := passed_on(event, known[row.account_id], row.recipient_id)):
            decisions.append(decision)
    if await notifications.add(connection, decisions, now=unit_of_work.now):
        unit_of_work.signals.add(Signal.MAIL)


async def _event(connection: Connection, bounce: Bounce) -> LifecycleEvent | None:
    """What the email told of; None where neither that nor the mail was kept."""
    if bounce.event:
        return bounce.event
    mail = await kept_mails.load(connection, bounce.notification_id)
    return read(decode(mail.event, (), LIFECYCLE_EVENTS)) if mail else None
