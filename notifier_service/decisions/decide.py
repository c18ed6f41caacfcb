"""What a batch of lifecycle events comes to: its notifications, and which of them are suppressed and why. Pure.

The whole batch counts: what a later event in it has made untrue is suppressed from the start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notifier_service.decisions.held_back import DeliveryMode, held_back
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.notification import (
    Delivered,
    Notification,
    NotificationStatus,
    Suppressed,
    final_status,
)
from notifier_service.decisions.plan import PlannedNotification, plan
from notifier_service.decisions.recipient import Recipient, apply_event, contact_for
from notifier_service.decisions.suppression import ERASED, NOTHING_NEW, is_erased, says_nothing_new, untrue
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDecision:
    """One notification of one event. `contact`: to whom it is addressed; `suppressed`: the reason, or None."""

    event: LifecycleEvent
    planned: PlannedNotification
    contact: Contact | None
    suppressed: str | None

    @property
    def notification(self) -> Notification:
        """What identifies it in outcome events."""
        return Notification(
            notification_id=self.planned.notification_id,
            account_id=self.event.metadata.account_id,
            lifecycle_event_id=self.event.id,
            lifecycle_type=self.event.type,
            channel=self.planned.channel,
            traceparent=self.event.traceparent,
            recipient_id=self.planned.recipient_id,
        )

    @property
    def immediate_result(self) -> Delivered | Suppressed | None:
        """How it ends with the decision itself: an internal message is delivered by being stored; None for an email."""
        if self.suppressed is not None:
            return Suppressed(self.suppressed)
        return Delivered(None) if self.planned.channel is Channel.INBOX else None

    @property
    def initial_status(self) -> NotificationStatus:
        """The status with which it is stored; an email is queued."""
        result = self.immediate_result
        return final_status(result) if result else NotificationStatus.QUEUED


def decide(
    events: Sequence[LifecycleEvent], recipients: Mapping[str, Recipient], now: datetime, mode: DeliveryMode = "on"
) -> tuple[list[NotificationDecision], dict[str, Recipient]]:
    """All decisions in order of the events, and the recipients after them, by account id.

    `recipients` holds the account of every event; `now` is the service clock; `mode` holds channels back.
    """
    known = dict(recipients)
    idle: list[str | None] = []
    contacts: list[Contact | None] = []
    for event in events:
        before = known[event.metadata.account_id]
        idle.append(NOTHING_NEW if says_nothing_new(event.data, before.told_shortfall) else None)
        recipient = known[event.metadata.account_id] = apply_event(before, event)
        contacts.append(contact_for(event, recipient.contact))
    decisions = [
        decision
        for event, contact, reason in zip(events, contacts, idle, strict=True)
        for decision in _decisions(event, contact, known[event.metadata.account_id], reason, now)
    ]
    return [_held_back(decision, mode) for decision in decisions], known


def _decisions(
    event: LifecycleEvent, contact: Contact | None, recipient: Recipient, idle: str | None, now: datetime
) -> Iterator[NotificationDecision]:
    """The notifications of an event, each with the reason for which it is suppressed, if any."""
    reason = idle or untrue(event, recipient.latest_versions, now)
    if is_erased(event, recipient.latest_versions):
        contact, reason = None, ERASED
    for planned in plan(event, contact, recipient.preferences):
        suppressed = ERASED if reason == ERASED else planned.suppressed or reason
        yield NotificationDecision(event=event, planned=planned, contact=contact, suppressed=suppressed)


def _held_back(decision: NotificationDecision, mode: DeliveryMode) -> NotificationDecision:
    """A reason of its own stays, so that what `mode` holds back is what would have been told."""
    return replace(decision, suppressed=decision.suppressed or held_back(decision.planned.channel, mode))
