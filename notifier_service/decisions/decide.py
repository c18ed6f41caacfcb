"""What a batch of lifecycle events comes to: its notifications, and which of them are suppressed and why. Pure.

The whole batch counts: what a later event in it has made outdated is suppressed from the start, and counts as not told.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from notifier_service.decisions.bounce import RETURNED
from notifier_service.decisions.channels import PROTECTED
from notifier_service.decisions.held_back import DeliveryMode, why_held_back
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.notification import (
    Delivered,
    DeliveryResult,
    Failed,
    Notification,
    NotificationStatus,
    Suppressed,
    final_status,
)
from notifier_service.decisions.outdated import (
    ERASED,
    FAILED,
    NOTHING_NEW,
    LatestVersions,
    is_erased,
    says_nothing_new,
    why_outdated,
)
from notifier_service.decisions.plan import PlannedNotification, channels_of, plan, plan_further
from notifier_service.decisions.recipient import (
    Recipient,
    apply_event,
    contact_for,
    further_of,
    last_shortfall,
    next_recipient,
    was_erased_after,
)
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact, FurtherRecipient


class NotificationDecision(Struct, frozen=True, kw_only=True):
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


class _Told(NamedTuple):
    """An event with whom its emails go to, as known when it happened; `nothing_new`: the reason where it repeats what
    was told, or None.
    """

    event: LifecycleEvent
    contact: Contact | None
    further: tuple[FurtherRecipient, ...]
    nothing_new: str | None


def decide(
    events: Sequence[LifecycleEvent], recipients: Mapping[str, Recipient], now: datetime, mode: DeliveryMode = "on"
) -> tuple[list[NotificationDecision], dict[str, Recipient]]:
    """All decisions in order of the events, and the recipients after them, by account id.

    `recipients` holds the account of every event; `now` is the service clock; `mode` holds channels back.
    """
    known, ahead = dict(recipients), _versions_ahead(events, recipients)
    told: list[_Told] = []
    for event in events:
        before = known[event.metadata.account_id]
        each, recipient = _read(event, before, mode)
        shortfall = _new_shortfall(event, before)
        if shortfall is not None and _is_told(each, recipient, ahead[recipient.account_id], now, mode):
            recipient = replace(recipient, told_shortfall=shortfall)
        known[recipient.account_id] = recipient
        told.append(each)
    after = ((each, known[each.event.metadata.account_id]) for each in told)
    return [decision for each, recipient in after for decision in _decisions(each, recipient, now, mode)], known


def is_out_of_reach(result: DeliveryResult) -> bool:
    """Whether an email ended so since its recipient cannot be written to: the address has bounced, or is none."""
    match result:
        case Suppressed(reason=reason):
            return reason in RETURNED
        case Failed(unaddressable=unaddressable):
            return unaddressable
        case _:
            return False


def passed_on(event: LifecycleEvent, recipient: Recipient, recipient_id: str | None) -> NotificationDecision | None:
    """The email to the next recipient in place of one whose recipient is out of reach; None where there is none.

    Only a kind that must not fall silent is passed on. The next one may have it already, by the kinds on its row: then
    it has the same id. Nobody is told of what is older than an erasure (R48).
    """
    following = next_recipient(recipient, recipient_id)
    if following is None or event.kind not in PROTECTED:
        return None
    if was_erased_after(event.metadata.version, recipient):
        return None
    planned = plan_further(event, following.recipient_id, recipient.muted_by_further)
    return NotificationDecision(event=event, planned=planned, contact=following, suppressed=planned.suppressed)


def _versions_ahead(events: Sequence[LifecycleEvent], recipients: Mapping[str, Recipient]) -> dict[str, LatestVersions]:
    """Account id -> latest versions after the batch, of accounts with a failed deduction in it.

    All events count but failed deductions: one that overtakes another tells of it in its place.
    """
    failing = {event.metadata.account_id for event in events if event.kind == FAILED}
    ahead = {account_id: recipients[account_id].latest_versions for account_id in failing}
    for event in events:
        account_id = event.metadata.account_id
        if account_id in failing and event.kind != FAILED:
            ahead[account_id] = ahead[account_id].including(event)
    return ahead


def _read(event: LifecycleEvent, before: Recipient, mode: DeliveryMode) -> tuple[_Told, Recipient]:
    """The event as it is told, and the recipient after it."""
    repeats = says_nothing_new(event.data, last_shortfall(before, mode))
    after = apply_event(before, event, repeats=repeats)
    nothing_new = NOTHING_NEW if repeats else None
    return _Told(event, contact_for(event, after.contact), further_of(event, after), nothing_new), after


def _new_shortfall(event: LifecycleEvent, before: Recipient) -> Decimal | None:
    """What the balance lacked, for a failed deduction; None for one that comes again: it was told then, or not."""
    is_new = event.metadata.version > before.subscription.version
    return event.data.shortfall if is_new and isinstance(event.data, AutoRenewalFailed) else None


def _is_told(told: _Told, recipient: Recipient, ahead: LatestVersions, now: datetime, mode: DeliveryMode) -> bool:
    """Whether any channel tells of the event; `ahead`: the latest versions by which it may be outdated."""
    decisions = _decisions(told, replace(recipient, latest_versions=ahead), now, mode)
    return any(one.suppressed is None for one in decisions)


def _decisions(told: _Told, recipient: Recipient, now: datetime, mode: DeliveryMode) -> Iterator[NotificationDecision]:
    """The notifications of an event, each with the reason for which it is suppressed, if any.

    A reason of its own stays, so that what `mode` holds back is what would have been told.
    """
    event, erased = told.event, is_erased(told.event, recipient.latest_versions)
    reason = told.nothing_new or why_outdated(event, recipient.latest_versions, now)
    for planned, contact in _planned(told, recipient):
        suppressed = planned.suppressed or reason or why_held_back(planned.channel, mode)
        yield NotificationDecision(
            event=event,
            planned=planned,
            contact=None if erased else contact,
            suppressed=ERASED if erased else suppressed,
        )


def _planned(told: _Told, recipient: Recipient) -> Iterator[tuple[PlannedNotification, Contact | None]]:
    """The notifications of an event, each with whom it is addressed to: the contact, then further recipients (R52)."""
    for planned in plan(told.event, told.contact, recipient.preferences):
        yield planned, told.contact
    if Channel.EMAIL in channels_of(told.event):
        for each in told.further:
            yield plan_further(told.event, each.recipient_id, recipient.muted_by_further), each
