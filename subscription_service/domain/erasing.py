"""Forgetting the person behind an account (R48), and its further recipients (R52): what an erasure leads to, and what
brings nobody back after it.

An erasure holds for everything with a `time` no later than its own, whenever that arrives. `step` asks here; what is
stored of the person is blanked in the same transaction by `person_data` and `storage.erasure`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from msgspec import structs

from shared.contracts.acts import AccountErased
from shared.contracts.imported import SubscriptionImported
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, ContactReplaced, LifecycleData, OrderRejected, RecipientsReplaced
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.purchases import ContactChanged, PurchaseOrdered
from shared.contracts.recipients import RecipientsChanged
from shared.contracts.types import Contact
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import NO_RECIPIENTS, Account, Person

CommandWithContact = PurchaseOrdered | SubscriptionImported | ContactChanged
"""Events in that state a contact."""
EventWithContact = Activated | Imported | ContactReplaced | OrderRejected
"""Events out that state one."""


def erase(account: Account, command: AccountErased, context: FactContext) -> tuple[LifecycleData, ...]:
    """Publish `erased`, unless nothing has named a person since the last erasure, or that one is no earlier than this.

    A contact or recipients that were stated later, and have come earlier, are stated anew.
    """
    time = context.stamp.time
    if not account.person.named or is_forgotten(account, time):
        return ()
    told = PersonErased(operator=command.operator, reason=command.reason)
    return (told, *_stated_later(_erased_at(account, time)))


def is_forgotten(account: Account, stated_at: datetime) -> bool:
    """Whether an event with this `time` (UTC) brings no contact, since an erasure is not earlier."""
    return account.person.erased_at is not None and stated_at <= account.person.erased_at


def contact_of(account: Account, command: InboundData, stated_at: datetime) -> Contact | None:
    """The account's contact, else the command's where that is not forgotten."""
    if isinstance(command, CommandWithContact) and not is_forgotten(account, stated_at):
        return account.contact or command.contact
    return account.contact


def without_forgotten(
    events: tuple[LifecycleData, ...], account: Account, command: InboundData, stated_at: datetime
) -> tuple[LifecycleData, ...]:
    """The events that a command with this `time` leads to; where its contact is forgotten, with the account's."""
    if isinstance(command, CommandWithContact) and is_forgotten(account, stated_at):
        return tuple(_with_contact_of(account, events))
    return events


def note(account: Account, command: InboundData, stated_at: datetime, *, before: Account) -> Account:
    """`account` after a command that was not refused, with what the next erasure has to know.

    An erasure that is no later than another changes nothing: all that it is about was forgotten.
    """
    if is_forgotten(account, stated_at):
        return account
    if isinstance(command, AccountErased):
        return _without_stamps(_erased_at(account, stated_at))
    if isinstance(command, CommandWithContact):
        newest = _newest_statement(before, command, stated_at)
        return structs.replace(account, person=account.person._replace(named=True, stated_at=newest))
    if isinstance(command, RecipientsChanged) and command.recipients:
        return structs.replace(account, person=account.person._replace(named=True))
    return account


def note_refusal(account: Account, contact: Contact | None) -> Account:
    """`account` after a refusal that has named this contact."""
    if contact is None or account.person.named:
        return account
    return structs.replace(account, person=account.person._replace(named=True))


def without_contact(event: LifecycleData) -> LifecycleData:
    """An event as it is kept and published once its person is forgotten, without recipients too."""
    if isinstance(event, RecipientsReplaced):
        return replace(event, recipients=None)
    return replace(event, contact=None) if isinstance(event, EventWithContact) else event


def _erased_at(account: Account, time: datetime) -> Account:
    """From now on nothing up to the erasure's `time` brings anybody back."""
    return structs.replace(account, person=account.person._replace(erased_at=time))


def _newest_statement(before: Account, command: CommandWithContact, stated_at: datetime) -> datetime:
    """When the contact was last stated: the same one, stated earlier and arriving late, makes it no older."""
    known = before.person.stated_at
    return stated_at if known is None or command.contact != before.contact else max(known, stated_at)


def _without_stamps(account: Account) -> Account:
    """After an erasure: drop the stamps of what it removed.

    `named` turns false when neither contact nor recipients are left, so a second erasure publishes nothing.
    """
    person, stamp = account.person, account.recipients.stamp
    if stamp is not None and is_forgotten(account, stamp.time):
        account = structs.replace(account, recipients=NO_RECIPIENTS)
    if account.contact is None:
        named = bool(account.recipients.entries)
        account = structs.replace(account, person=Person(named=named, erased_at=person.erased_at))
    return account


def _stated_later(account: Account) -> Iterator[LifecycleData]:
    """What was stated of the account's person after the erasure."""
    stated_at, recipients = account.person.stated_at, account.recipients
    if account.contact is not None and stated_at is not None and not is_forgotten(account, stated_at):
        yield ContactReplaced(contact=account.contact)
    if recipients.entries and recipients.stamp is not None and not is_forgotten(account, recipients.stamp.time):
        yield RecipientsReplaced(recipients=recipients.entries)


def _with_contact_of(account: Account, events: tuple[LifecycleData, ...]) -> Iterator[LifecycleData]:
    """What would only state a contact is left out."""
    for event in events:
        if isinstance(event, Activated | Imported):
            yield replace(event, contact=account.contact)
        elif not isinstance(event, ContactReplaced):
            yield event
