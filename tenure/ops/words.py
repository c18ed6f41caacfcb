"""The sentences with which the page explains its numbers."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.contracts.state import SubscriptionState
from tenure.ops.renewals import Outlook

MEANING_OF_STATE: Final[Mapping[SubscriptionState, str]] = {
    SubscriptionState.ACTIVE: "Accounts whose subscription is in service, by the newest state document of each.",
    SubscriptionState.GRACE: "Accounts whose last term has ended and whose data are still retained (R31, R32).",
    SubscriptionState.RELEASED: "Accounts whose subscription was released after its grace; they can buy anew (R35).",
    SubscriptionState.NONE: "Accounts of which something is known, such as servers or a credit, but no purchase (R38).",
}


class OutlookWords(NamedTuple):
    """How an outlook is called, and what it means."""

    label: str
    why: str


_LIST_PRICE: Final = " At list price of the day on which it is due (R50); coupons and discounts are not known here."
OUTLOOKS: Final[Mapping[Outlook, OutlookWords]] = {
    Outlook.COVERED: OutlookWords(
        "renews by itself", "Auto-renewal is on and today's balance covers the fee." + _LIST_PRICE
    ),
    Outlook.SHORT: OutlookWords(
        "balance too low", "Auto-renewal is on, but today's balance is below the fee: it will fail (R25)." + _LIST_PRICE
    ),
    Outlook.MANUAL: OutlookWords(
        "has to be renewed", "Auto-renewal is off: it expires unless the customer renews." + _LIST_PRICE
    ),
    Outlook.DECLINED: OutlookWords("declined", "The customer said that they will not renew (R28)." + _LIST_PRICE),
}
TO_DECISION: Final = (
    "From the timestamp of an event's record on its input topic to that of the lifecycle event that it led to; what"
    " ended in the last 15 minutes, the latest 5,000 at most. An event that had to wait for its purchase (R40) counts"
    " with its wait."
)
TO_MAIL: Final = (
    "From the timestamp of an event's record to the outcome 'delivered' of the email that it led to; for what a timer"
    " decided, from the decision on. Retries count with their waits."
)
