"""An account's further recipients (R52): the newest list by `time` wins, ties as in R37.

A list that has won and is the known one moves the stamp, and says nothing. What was forgotten stays so (R48).
"""

from msgspec import structs

from shared.contracts.lifecycle import LifecycleData, RecipientsReplaced
from shared.contracts.recipients import RecipientsChanged
from subscription_service.domain.context import FactContext
from subscription_service.domain.erasing import is_forgotten
from subscription_service.domain.model import Account


def move_stamp(account: Account, _: RecipientsChanged, context: FactContext) -> Account:
    """The stamp of the newest list; `evolve` takes the list itself from the lifecycle event."""
    known, stamp = account.recipients, context.stamp
    if is_forgotten(account, stamp.time) or (known.stamp is not None and stamp <= known.stamp):
        return account
    return structs.replace(account, recipients=known._replace(stamp=stamp))


def replace(account: Account, command: RecipientsChanged, context: FactContext) -> tuple[LifecycleData, ...]:
    """Decided after `move_stamp`: a list is the newest where the stamp is its own."""
    known = account.recipients
    if known.stamp != context.stamp or command.recipients == known.entries:
        return ()
    return (RecipientsReplaced(recipients=command.recipients),)
