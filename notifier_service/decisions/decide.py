"""What a batch of lifecycle events comes to: which notifications, and which of them are silent and why. Pure.

Everything that the batch knows counts: what a later event in it has made untrue is never told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.notice import Notice
from notifier_service.decisions.plan import Planned, Preferences, plan
from notifier_service.decisions.suppression import LatestVersions, note, untrue
from shared.contracts.lifecycle import Activated, ContactReplaced, OrderRejected
from shared.contracts.types import Contact


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """An account as the lifecycle told of it so far; `contact_version` is that of the event that told the contact."""

    account_id: str
    contact: Contact | None = None
    contact_version: int = 0
    latest_versions: LatestVersions = LatestVersions()
    preferences: Preferences = Preferences()


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationDecision:
    """One notification of one event; `suppressed` tells why it stays silent, `contact` is who is written to."""

    event: LifecycleEvent
    planned: Planned
    contact: Contact | None
    suppressed: str | None

    @property
    def notice(self) -> Notice:
        """What its outcome will name."""
        return Notice(
            notification_id=self.planned.notification_id,
            account_id=self.event.stamp.account_id,
            lifecycle_event_id=self.event.id,
            lifecycle_type=self.event.type,
            channel=self.planned.channel,
            traceparent=self.event.traceparent,
        )


Recipients = Mapping[str, Recipient]


def decide(
    events: Sequence[LifecycleEvent], recipients: Recipients, now: datetime
) -> tuple[list[NotificationDecision], dict[str, Recipient]]:
    """All decisions in order of the events, and the recipients as they are known afterwards.

    `recipients` holds every account of `events`; `now` is the service clock.
    """
    known = dict(recipients)
    contacts: list[Contact | None] = []
    for event in events:
        recipient = known[event.stamp.account_id] = learn(known[event.stamp.account_id], event)
        contacts.append(contact_for(event, recipient.contact))
    decisions = [
        decision
        for event, contact in zip(events, contacts, strict=True)
        for decision in _decisions(event, contact, known[event.stamp.account_id], now)
    ]
    return decisions, known


def learn(recipient: Recipient, event: LifecycleEvent) -> Recipient:
    """What an event tells of its account; an older one than is known takes nothing back."""
    latest_versions = note(recipient.latest_versions, event)
    match event.data:
        case Activated(contact=contact) | ContactReplaced(contact=contact) if (
            event.stamp.version > recipient.contact_version
        ):
            return replace(
                recipient, contact=contact, contact_version=event.stamp.version, latest_versions=latest_versions
            )
        case _:
            return replace(recipient, latest_versions=latest_versions)


def contact_for(event: LifecycleEvent, known: Contact | None) -> Contact | None:
    """Who is written to: the account's contact, or else the one that a rejected purchase brought along."""
    if known is None and isinstance(event.data, OrderRejected):
        return event.data.contact
    return known


def untrue_now(event: LifecycleEvent, latest_versions: LatestVersions, now: datetime) -> str | None:
    """Why this event is no longer true at the service clock `now`, or None."""
    return untrue(event.kind, event.stamp.version, event.data, latest_versions=latest_versions, now=event.told_at(now))


def _decisions(
    event: LifecycleEvent, contact: Contact | None, recipient: Recipient, now: datetime
) -> list[NotificationDecision]:
    overtaken = untrue_now(event, recipient.latest_versions, now)
    return [
        NotificationDecision(event=event, planned=planned, contact=contact, suppressed=planned.suppressed or overtaken)
        for planned in plan(event, contact, recipient.preferences)
    ]
