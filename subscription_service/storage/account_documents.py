"""The JSON documents in an account's row: its contact, recipients and subscription, and the facts beside its totals.

Each is written where it has changed, and is NULL in the statement otherwise: most events leave all of them alone. A
contact that was forgotten is the JSON `null`. For `accounts` only.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from shared.contracts.envelope import json_reader, to_json
from shared.contracts.types import ConfigurationKind, Contact, Feature
from subscription_service.domain.model import (
    NO_RECIPIENTS,
    NOBODY_ERASED,
    Account,
    CapacityUse,
    Person,
    Recipients,
    Subscription,
    VersionStamp,
)


class Facts(NamedTuple):
    """In the row an array in this order, to which more may be added. Without any the column is NULL."""

    capacity: Mapping[Feature, CapacityUse] = {}
    retained: Mapping[ConfigurationKind, int] = {}
    snapshot_stamp: VersionStamp | None = None
    configuration_floor: datetime | None = None
    person: Person = NOBODY_ERASED


_NO_FACTS: Final = Facts()
_FORGOTTEN: Final = "null"
_read_subscription: Final[Callable[[str], Subscription]] = json_reader(Subscription)
_read_facts = json_reader(Facts)
_read_contact = json_reader(Contact)
_read_recipients = json_reader(Recipients)


def contact_of(document: str | None) -> Contact | None:
    """From the column's text; `null` where the person was forgotten (R48)."""
    return None if document in (None, _FORGOTTEN) else _read_contact(document)


def recipients_of(document: str | None) -> Recipients:
    """From the column's text."""
    return NO_RECIPIENTS if document is None else _read_recipients(document)


def subscription_of(document: str | None) -> Subscription | None:
    """From the column's text."""
    return None if document is None else _read_subscription(document)


def facts_of(document: str | None) -> Facts:
    """From the column's text."""
    return _NO_FACTS if document is None else _read_facts(document)


def contact_document(account: Account, before: Account) -> str | None:
    """For the column; None where it has not changed."""
    if account.contact is before.contact:
        return None
    return to_json(account.contact).decode()


def recipients_document(account: Account, before: Account) -> str | None:
    """For the column; None where they have not changed."""
    if account.recipients is before.recipients:
        return None
    return to_json(account.recipients).decode()


def subscription_document(account: Account, before: Account) -> str | None:
    """For the column: the state and the fields of the subscription's class; None where it has not changed."""
    subscription = account.subscription
    if subscription is None or subscription is before.subscription:
        return None
    return to_json(subscription).decode()


def facts_document(account: Account, before: Account) -> str | None:
    """For the column; None where none has changed."""
    if (
        account.capacity is before.capacity
        and account.retained is before.retained
        and account.snapshot_stamp is before.snapshot_stamp
        and account.configuration_floor is before.configuration_floor
        and account.person == before.person
    ):
        return None
    facts = Facts(
        capacity=dict(account.capacity),
        retained=dict(account.retained),
        snapshot_stamp=account.snapshot_stamp,
        configuration_floor=account.configuration_floor,
        person=account.person,
    )
    return to_json(facts).decode() if facts != _NO_FACTS else None
