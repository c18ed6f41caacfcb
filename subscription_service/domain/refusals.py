"""Why an order is refused, as a value, and the sentence that the customer reads (R41).

Decisions return a `Rejection`; `step` makes the lifecycle event `order_rejected` of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shared.contracts.lifecycle_parts import QuantityRange, RefusalValue, RejectionCode
from shared.contracts.types import Feature


@dataclass(frozen=True, slots=True)
class Rejection:
    """`required` and `offered`: the values behind the refusal. `about`: what the sentence names beside them, such as a
    feature or an order id; empty where the code is enough. `feature` and `range`: of FEATURE_OUT_OF_RANGE only.
    """

    code: RejectionCode
    required: RefusalValue = None
    offered: RefusalValue = None
    about: str = ""
    feature: Feature | None = None
    range: QuantityRange | None = None


SENTENCES: Mapping[RejectionCode, str] = {
    RejectionCode.ORDER_CONFLICT: (
        "An earlier order has the same number, but asked for something else. Please place this order once more."
    ),
    RejectionCode.NOT_SUBSCRIBED: "There is no subscription yet. Please purchase one first.",
    RejectionCode.SUBSCRIPTION_RELEASED: "The subscription has been released. Please purchase a new one.",
    RejectionCode.ALREADY_SUBSCRIBED: "There is a subscription already. Please renew or change it instead.",
    RejectionCode.IMPORT_EXPIRED: (
        "The grace period of this subscription ended at {required}, so it cannot be taken over at {offered}."
    ),
    RejectionCode.NOT_ACTIVE: "The subscription has expired. Please renew it before you change its specification.",
    RejectionCode.ORDER_NOT_PENDING: (
        "Order {offered} cannot be taken back: only the last renewal order can be, and only before it has started."
    ),
    RejectionCode.EXPECTATION_FAILED: (
        "The subscription expires on {required}, not on {offered} as expected. Please look at it again."
    ),
    RejectionCode.TERMS_NOT_ACCEPTED: "The terms of service must be accepted to place this order.",
    RejectionCode.INVALID_DURATION: "A duration of {required} months can be ordered; {offered} cannot.",
    RejectionCode.INVALID_CYCLE: "Auto-renewal works with a cycle of {required} months, not with {offered}.",
    RejectionCode.AUTO_RENEWAL_TOO_LATE: (
        "Auto-renewal could be enabled until {required}; on {offered} it is too late. Please renew manually."
    ),
    RejectionCode.FEATURE_OUT_OF_RANGE: "The quantity of {about} must be {required}; the order says {offered}.",
    RejectionCode.AMOUNT_OUT_OF_RANGE: (
        "The price of this order, {offered}, is more than {required}, the highest that can be ordered."
    ),
    RejectionCode.PENDING_RENEWAL_ORDER: (
        "The specification cannot change before renewal order {about} takes effect on {required}."
    ),
    RejectionCode.MODE_CHANGE_NOT_ALLOWED: "Partial protection cannot be changed back to full protection.",
    RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL: (
        "The {about} can only be lowered from {required} to {offered} together with a renewal."
    ),
    RejectionCode.SERVERS_BELOW_INVENTORY: (
        "{offered} protected servers are not enough for the {required} servers in the inventory. "
        "Please raise the quota or remove servers."
    ),
    RejectionCode.SERVERS_BELOW_BOUND: (
        "{offered} protected servers are not enough for the {required} servers with quota bound to them. "
        "Please raise the quota or unbind servers."
    ),
    RejectionCode.CORES_BELOW_INVENTORY: (
        "{offered} cores are not enough for the {required} cores of the servers in the inventory. "
        "Please raise the quota or remove servers."
    ),
    RejectionCode.CORES_BELOW_BOUND: (
        "{offered} cores are not enough for the {required} cores of the servers with quota bound to them. "
        "Please raise the quota or unbind servers."
    ),
    RejectionCode.QUOTA_EXHAUSTED: (
        "Binding this server takes {required} {about}, but only {offered} were purchased. "
        "Please raise the quota or unbind another server."
    ),
}
"""Code -> English sentence, with the fields of the `Rejection` to be filled in."""


def sentence(rejection: Rejection) -> str:
    """The sentence of a refusal, filled in."""
    required, offered = rejection.required, rejection.offered
    if rejection.code is RejectionCode.AMOUNT_OUT_OF_RANGE:
        required, offered = (f"{Decimal(str(amount)):,}" for amount in (required, offered))
    return SENTENCES[rejection.code].format(required=required, offered=offered, about=rejection.about)
