"""The recipient of an account's notifications: contact, further recipients, preferences, and what suppression needs.
Pure.

Of a person who was forgotten nothing stays but the versions that say what is older (R48).
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.held_back import DeliveryMode
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.outdated import ERASED, FAILED, LatestVersions, overtakes_failure
from notifier_service.decisions.plan import MUTED, NO_RECIPIENT
from notifier_service.decisions.preferences import NOTHING_MUTED, MutedByFurther, Preferences
from notifier_service.decisions.subscription import Subscription
from shared.contracts.lifecycle import Activated, ContactReplaced, OrderRejected, RecipientsReplaced
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.outcomes import Channel
from shared.contracts.types import Contact, FurtherRecipient

_DOMAIN_CHARACTERS: Final = 253


class AddressOwner(StrEnum):
    """Whose address it is from which mail came back; `former`: nobody's of the account any more."""

    CONTACT = "contact"
    FURTHER = "further"
    FORMER = "former"


class Recipient(Struct, frozen=True, kw_only=True):
    """`contact_version` is the version of the lifecycle event that stated the contact; 0 before the first. So is
    `further_version` of the event that stated the `further` recipients (R52), who have muted the kinds of email in
    `muted_by_further`.

    `told_shortfall`: of the failed deduction that was told last, on whatever channel. `subscription`: as the recipient
    is shown it.
    """

    account_id: str
    contact: Contact | None = None
    contact_version: int = 0
    latest_versions: LatestVersions = LatestVersions()
    told_shortfall: Decimal | None = None
    preferences: Preferences = Preferences()
    subscription: Subscription = Subscription()
    further: tuple[FurtherRecipient, ...] = ()
    further_version: int = 0
    muted_by_further: MutedByFurther = NOTHING_MUTED


def apply_event(recipient: Recipient, event: LifecycleEvent, *, repeats: bool) -> Recipient:
    """The recipient after an event of its account; `repeats`: it is a failed deduction that says nothing new.

    Such a one leaves the latest versions as they are, so that it suppresses no earlier one that was told.
    """
    after = recipient if repeats else _after(recipient, event)
    return replace(after, subscription=recipient.subscription.after(event))


def last_shortfall(recipient: Recipient, mode: DeliveryMode) -> Decimal | None:
    """The shortfall that the next failed deduction says nothing new with; None where there is none.

    In the shadow nothing is told, so it is the one that failed last: each with another would have been told.
    """
    return recipient.subscription.shortfall if mode == "shadow" else recipient.told_shortfall


def _after(recipient: Recipient, event: LifecycleEvent) -> Recipient:
    """An event older than the stored contact does not replace it, nor does one older than an erasure bring it back
    (R48).
    """
    ends_telling = _is_settled_by(event, recipient) or _leaves_telling_open(recipient, event)
    told = None if ends_telling else recipient.told_shortfall
    latest_versions = recipient.latest_versions.including(event)
    return _with_person_of(event, replace(recipient, latest_versions=latest_versions, told_shortfall=told))


def _is_settled_by(event: LifecycleEvent, recipient: Recipient) -> bool:
    """Whether the last failed deduction is over with this event: should the renewal be taken back and the next one for
    the same E fail (R46), that is news.
    """
    return event.kind == "renewed" and overtakes_failure(event, recipient.latest_versions)


def _leaves_telling_open(recipient: Recipient, event: LifecycleEvent) -> bool:
    """Whether nobody may ever be told of the last failed deduction: no message was stored, and its email is sent no
    more where it still waits.
    """
    only_email = not recipient.preferences.allows(FAILED, Channel.INBOX)
    return only_email and overtakes_failure(event, recipient.latest_versions)


def _with_person_of(event: LifecycleEvent, known: Recipient) -> Recipient:
    """With the contact or the further recipients that an event states, or without both, where it is new enough."""
    version = event.metadata.version
    match event.data:
        case Activated(contact=contact) | Imported(contact=contact) | ContactReplaced(contact=contact) if (
            version > known.contact_version
        ):
            return replace(known, contact=contact, contact_version=version)
        case RecipientsReplaced(recipients=further) if version > known.further_version:
            return replace(known, further=further or (), further_version=version)
        case PersonErased() if version > known.contact_version:
            return Recipient(
                account_id=known.account_id,
                contact_version=version,
                further_version=version,
                latest_versions=known.latest_versions,
            )
        case _:
            return known


def newly_erased(event: LifecycleEvent, known: Recipient) -> bool:
    """Whether an `erased` is to be carried out, since the recipient was not forgotten by it before (R48)."""
    return event.kind == ERASED and known.latest_versions.by_kind.get(ERASED, 0) < event.metadata.version


def masked(address: str) -> str:
    """What operators see of an email address: its first character and its domain, such as `l…@example.com`."""
    local, at, domain = address.strip().rpartition("@")
    return f"{(local or domain)[:1]}…{at}{domain[:_DOMAIN_CHARACTERS] if at else ''}"


def contact_for(event: LifecycleEvent, known: Contact | None) -> Contact | None:
    """To whom an event's email is addressed: the account's contact, or else the one that a rejected purchase states."""
    if known is None and isinstance(event.data, OrderRejected):
        return event.data.contact
    return known


def further_of(event: LifecycleEvent, recipient: Recipient) -> tuple[FurtherRecipient, ...]:
    """The further recipients who get emails of this kind (R52): those that were there when it happened.

    So an older event that comes again tells nobody who came to the list after it.
    """
    if event.metadata.version <= recipient.further_version:
        return ()
    return tuple(each for each in recipient.further if each.gets(event.kind))


def addressee_of(event: LifecycleEvent, recipient: Recipient, recipient_id: str | None) -> Addressee | None:
    """To whom an email that waits goes, as known now; None where nobody is known.

    `recipient_id`: of a further recipient; None for the contact.
    """
    contact = recipient_contact(recipient, recipient_id)
    contact = contact_for(event, contact) if recipient_id is None else contact
    return Addressee(recipient_id, contact) if contact else None


def recipient_contact(recipient: Recipient, recipient_id: str | None) -> Contact | None:
    """How the account's contact (None), or one of its further recipients, is written to; None where nobody is known."""
    if recipient_id is None:
        return recipient.contact
    return next((each for each in recipient.further if each.recipient_id == recipient_id), None)


def address_owner(recipient: Recipient, is_this: Callable[[str], bool]) -> AddressOwner:
    """Whose address it is by now to which an email of the account went; `is_this`: whether an address is that one.

    Where no contact is known it is the one that a rejected purchase has stated.
    """
    contact = recipient.contact
    if contact and is_this(contact.email):
        return AddressOwner.CONTACT
    if any(is_this(each.email) for each in recipient.further):
        return AddressOwner.FURTHER
    return AddressOwner.FORMER if contact else AddressOwner.CONTACT


def next_recipient(recipient: Recipient, recipient_id: str | None) -> FurtherRecipient | None:
    """Who comes on the list after the contact (None), or after a further recipient; None behind the last (R52)."""
    ids = (None, *(each.recipient_id for each in recipient.further))
    return next((each for before, each in zip(ids, recipient.further, strict=False) if before == recipient_id), None)


def is_muted(kind: str, recipient: Recipient, recipient_id: str | None) -> bool:
    """Whether the contact (None), or a further recipient, wants no email of this kind."""
    if recipient_id is None:
        return not recipient.preferences.allows(kind, Channel.EMAIL)
    return (recipient_id, kind) in recipient.muted_by_further


def why_unwanted(kind: str, recipient: Recipient, recipient_id: str | None) -> str | None:
    """The reason for which an email that waits is not sent any more: switched off since, or its further recipient has
    left the list (R52); else None.
    """
    if recipient_id is not None and recipient_contact(recipient, recipient_id) is None:
        return NO_RECIPIENT
    return MUTED if is_muted(kind, recipient, recipient_id) else None


def was_erased_after(version: int, recipient: Recipient) -> bool:
    """Whether the person was forgotten after the lifecycle event with this version (R48)."""
    return recipient.latest_versions.by_kind.get(ERASED, 0) > version
