"""The recipient of an account's notifications: contact, preferences, and what suppression needs. Pure.

Of a person who was forgotten nothing stays but the versions that say what is older (R48).
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.decisions.preferences import Preferences
from notifier_service.decisions.suppression import ERASED, LatestVersions, says_nothing_new
from shared.contracts.lifecycle import Activated, ContactReplaced, OrderRejected
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.types import Contact

_DOMAIN_CHARACTERS: Final = 253


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """`contact_version` is the version of the lifecycle event that stated the contact; 0 before the first.

    `told_shortfall`: of the failed deduction that was told last.
    """

    account_id: str
    contact: Contact | None = None
    contact_version: int = 0
    latest_versions: LatestVersions = LatestVersions()
    told_shortfall: Decimal | None = None
    preferences: Preferences = Preferences()


def apply_event(recipient: Recipient, event: LifecycleEvent) -> Recipient:
    """The recipient after an event of its account; an event older than the stored contact does not replace it, nor does
    one older than an erasure bring it back (R48).

    A failed deduction that says nothing new leaves it as it is, so that it suppresses no earlier one that was told. One
    that comes again, or late, does not replace the shortfall of a newer one.
    """
    if says_nothing_new(event.data, recipient.told_shortfall):
        return recipient
    latest_versions = recipient.latest_versions.including(event)
    match event.data:
        case AutoRenewalFailed(shortfall=shortfall) if latest_versions is not recipient.latest_versions:
            return replace(recipient, told_shortfall=shortfall, latest_versions=latest_versions)
        case Activated(contact=contact) | Imported(contact=contact) | ContactReplaced(contact=contact) if (
            event.metadata.version > recipient.contact_version
        ):
            return replace(
                recipient, contact=contact, contact_version=event.metadata.version, latest_versions=latest_versions
            )
        case PersonErased() if event.metadata.version > recipient.contact_version:
            return Recipient(
                account_id=recipient.account_id,
                contact_version=event.metadata.version,
                latest_versions=latest_versions,
            )
        case _:
            return replace(recipient, latest_versions=latest_versions)


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


def addressee_of(event: LifecycleEvent, recipient: Recipient) -> Addressee | None:
    """To whom an email that waits goes, as known now; None where nobody is known."""
    contact = contact_for(event, recipient.contact)
    return Addressee(None, contact) if contact else None
