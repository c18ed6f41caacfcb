"""Forgetting the person behind an account (R48): what an erasure leads to, and what brings no contact back after it.

An erasure holds for everything with a `time` no later than its own, whenever that arrives. `step` asks here; what is
stored of the person is blanked in the same transaction by `person_data` and `storage.erasure`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from shared.contracts.acts import AccountErased
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, ContactReplaced, LifecycleData, OrderRejected
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.purchases import ContactChanged, PurchaseOrdered
from shared.contracts.types import Contact
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import Account, Person
from subscription_service.domain.policy import Rules

WithContact = PurchaseOrdered | SubscriptionImported | ContactChanged
"""Events in that state a contact."""
StatesContact = Activated | Imported | ContactReplaced | OrderRejected
"""Events out that state one."""


def note_erasure(account: Account, _: AccountErased, context: FactContext) -> Account:
    """From now on nothing up to the erasure's `time` brings a contact back; an earlier erasure changes nothing."""
    known, time = account.person.erased_at, context.stamp.time
    return account._replace(person=account.person._replace(erased_at=max(known, time) if known else time))


def erase(account: Account, command: AccountErased, _at: datetime, _rules: Rules) -> tuple[LifecycleData, ...]:
    """The person is forgotten, unless nothing can be known of one since the erasure before.

    A contact that was stated later, and has come earlier, is stated anew.
    """
    if not account.person.named:
        return ()
    erased = PersonErased(operator=command.operator, reason=command.reason)
    return (erased, ContactReplaced(contact=account.contact)) if _is_later(account) else (erased,)


def is_forgotten(account: Account, stated_at: datetime) -> bool:
    """Whether an event with this `time` (UTC) brings no contact, since an erasure is not earlier."""
    return account.person.erased_at is not None and stated_at <= account.person.erased_at


def contact_of(account: Account, command: InboundData, stated_at: datetime) -> Contact | None:
    """The account's contact, else the command's where that is not forgotten."""
    stated = command.contact if isinstance(command, WithContact) and not is_forgotten(account, stated_at) else None
    return account.contact or stated


def without_forgotten(
    events: tuple[LifecycleData, ...], account: Account, command: InboundData, stated_at: datetime
) -> tuple[LifecycleData, ...]:
    """The events that a command with this `time` leads to; where its contact is forgotten, with the account's."""
    if isinstance(command, WithContact) and is_forgotten(account, stated_at):
        return tuple(_with_contact_of(account, events))
    return events


def note(account: Account, command: InboundData, stated_at: datetime) -> Account:
    """`account` after a command that was not refused, with what the next erasure has to know."""
    if isinstance(command, AccountErased) and account.contact is None:
        return account._replace(person=Person(named=False, erased_at=account.person.erased_at))
    if isinstance(command, WithContact) and not is_forgotten(account, stated_at):
        return account._replace(person=account.person._replace(named=True, stated_at=stated_at))
    return account


def note_refusal(account: Account, contact: Contact | None) -> Account:
    """`account` after a refusal that has named this contact."""
    if contact is None or account.person.named:
        return account
    return account._replace(person=account.person._replace(named=True))


def without_contact(event: LifecycleData) -> LifecycleData:
    """An event as it is kept and published once its person is forgotten."""
    return replace(event, contact=None) if isinstance(event, StatesContact) else event


def _is_later(account: Account) -> bool:
    stated_at = account.person.stated_at
    return account.contact is not None and stated_at is not None and not is_forgotten(account, stated_at)


def _with_contact_of(account: Account, events: tuple[LifecycleData, ...]) -> Iterator[LifecycleData]:
    """What would only state a contact is left out."""
    for event in events:
        if isinstance(event, Activated | Imported):
            yield replace(event, contact=account.contact)
        elif not isinstance(event, ContactReplaced):
            yield event
