"""Mail that came back, in one transaction: it is recorded, its address goes on the suppression list, the outcome is
published, the account's inbox says so, and what must not fall silent goes to the next recipient instead (R52).

`http.bounces` calls it for what is reported, `delivery.lease_holder` where a relay refuses an address for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notifier_service.content.bounce_message import bounce_message
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.decisions.bounce import Bounce, BounceKind
from notifier_service.decisions.channels import PROTECTED
from notifier_service.decisions.decide import NotificationDecision, passed_on
from notifier_service.decisions.held_back import DeliveryMode, why_held_back
from notifier_service.decisions.lifecycle_event import read
from notifier_service.decisions.notification import NotificationStatus, Returned
from notifier_service.decisions.plan import notification_id
from notifier_service.decisions.recipient import Recipient
from notifier_service.storage import bounces, kept_mails, messages, notifications, suppressions
from notifier_service.storage.messages import NewMessage
from notifier_service.storage.notifications import notification_of
from notifier_service.storage.signals import Signal
from notifier_service.storage.suppressions import Suppression
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.envelope import decode
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection


@dataclass(frozen=True, slots=True)
class ReturnedMail:
    """Records what came back; `languages` are for the messages about it, which `mode` may hold back."""

    languages: Languages
    mode: DeliveryMode

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
        returned = await bounces.record(connection, reported)
        details = {bounce.notification_id: bounce.detail for bounce in reported}
        ended = [row for row in returned if BounceKind(row.bounce).outcome is not None]
        listed = await suppressions.add(connection, _suppressions(ended, unit_of_work))
        told = [row for row in _one_per_address(ended) if row.address_hash in listed]
        if told and why_held_back(Channel.INBOX, self.mode) is None:
            await messages.add(connection, [self._notice(row, known[row.account_id], unit_of_work) for row in told])
            unit_of_work.signals.add(Signal.INBOX)
        for row in ended:
            result = Returned(_outcome(row), details[row.notification_id])
            unit_of_work.add_final_result(notification_of(row), result, attempts=row.attempts, at=unit_of_work.now)
        await _pass_on(connection, ended, known, unit_of_work)
        return len(returned)

    def _notice(self, row: Any, recipient: Recipient, unit_of_work: UnitOfWork) -> NewMessage:
        kind = BounceKind(row.bounce)
        contact = recipient.contact
        locale, time_zone = (contact.locale, contact.time_zone) if contact else ("en", "UTC")
        text = bounce_message(kind, row.recipient or "", localizer_for(self.languages, locale, time_zone))
        return NewMessage(
            message_id=notification_id(f"{kind}:{row.notification_id}", Channel.INBOX),
            account_id=row.account_id,
            kind=f"email_{kind.outcome}",
            title=text.title,
            body=text.body,
            link=text.link,
            created_at=unit_of_work.now,
        )


def _suppressions(ended: Sequence[Any], unit_of_work: UnitOfWork) -> list[Suppression]:
    """None for an email whose address was not kept, as after an erasure (R48)."""
    return [
        Suppression(row.address_hash, _outcome(row), unit_of_work.now, row.notification_id)
        for row in _one_per_address(ended)
    ]


def _one_per_address(ended: Sequence[Any]) -> list[Any]:
    return list({row.address_hash: row for row in ended if row.address_hash}.values())


def _outcome(row: Any) -> NotificationStatus:
    return NotificationStatus(BounceKind(row.bounce).outcome or "")


async def _pass_on(
    connection: Connection, ended: Sequence[Any], known: Mapping[str, Recipient], unit_of_work: UnitOfWork
) -> None:
    """Queue emails to the next recipients; the event is known as long as its mail is kept."""
    protected = [row for row in ended if row.kind in PROTECTED]
    kept = [(row, await kept_mails.load(connection, row.notification_id)) for row in protected]
    decisions = [
        decision for row, mail in kept if mail and (decision := _passed_on(row, mail.event, known[row.account_id]))
    ]
    if await notifications.add(connection, decisions, now=unit_of_work.now):
        unit_of_work.signals.add(Signal.MAIL)


def _passed_on(row: Any, event: bytes, recipient: Recipient) -> NotificationDecision | None:
    told = read(decode(event, (), LIFECYCLE_EVENTS))
    return passed_on(told, recipient, row.recipient_id, _outcome(row))
