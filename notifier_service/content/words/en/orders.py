"""English: what is said of an order that is refused, also where a renewal would be."""

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    # order_rejected
    "order_rejected.badge": "Not accepted",
    "order_rejected.subject": "Not accepted: {request}",
    "order_rejected.subject.order": "Not accepted: {request} {order}",
    "order_rejected.title": "We could not accept your request",
    "order_rejected.unchanged": "Nothing was changed and nothing was charged.",
    "request.purchase.ordered": "Purchase",
    "request.renewal.ordered": "Renewal",
    "request.renewal.change_ordered": "Renewal with change",
    "request.renewal.declined": "Declining the renewal",
    "request.specification.change_ordered": "Change of specification",
    "request.auto_renewal.enabled": "Switching on auto-renewal",
    "request.auto_renewal.disabled": "Switching off auto-renewal",
    "request.server.bound": "Binding quota to a server",
    "request.server.unbound": "Unbinding quota from a server",
    "request.other": "Request",
    "rejected.order_conflict": "An order with this number was placed before, with other content. Please order again"
    " under a new number.",
    "rejected.not_subscribed": "This account has no subscription yet. Please purchase one first.",
    "rejected.subscription_released": "This subscription has been released, so it can no longer be renewed or"
    " changed. You can purchase a new one.",
    "rejected.already_subscribed": "This account already has a subscription. Please renew or change it instead.",
    "rejected.not_active": "This is possible only while the subscription is active. Please renew it first.",
    "rejected.terms_not_accepted": "The terms of service were not accepted. Please accept them and order again.",
    "rejected.invalid_duration": "This duration is not on offer. Please choose 1 to 12, 24 or 36 months.",
    "rejected.invalid_cycle": "Auto-renewal is on offer for every 1, 3 or 12 months.",
    "rejected.auto_renewal_too_late": "It is too close to the expiration date to switch on auto-renewal. Please renew"
    " manually this time.",
    "rejected.feature_out_of_range": "This amount of a value-added service is not on offer.",
    "rejected.pending_renewal_order": "A renewal order is waiting for its term to start. Until then the specification"
    " cannot be changed.",
    "rejected.mode_change_not_allowed": "The protection mode cannot be changed from partial back to full.",
    "rejected.downgrade_only_at_renewal": "A lower edition, or fewer honeypot licenses, are possible only with a"
    " renewal.",
    "rejected.servers_below_inventory": "Full protection has to cover every registered server, and the specification"
    " has fewer servers than are registered.",
    "rejected.servers_below_inventory.figures": "Full protection has to cover every registered server: {required}"
    " registered, {offered} in the specification, {missing} too few. Choose a larger quota, release servers, or change"
    " to partial protection.",
    "rejected.servers_below_bound": "The specification has fewer servers than quota is bound to.",
    "rejected.servers_below_bound.figures": "Quota is bound to {required}, but the specification has {offered},"
    " {missing} too few. Choose a larger quota, or unbind servers.",
    "rejected.cores_below_inventory": "Full protection has to cover every registered server, and the specification"
    " has fewer cores than they have.",
    "rejected.cores_below_inventory.figures": "Full protection has to cover the cores of every registered server:"
    " {required} registered, {offered} in the specification, {missing} too few. Choose a larger quota, release servers,"
    " or change to partial protection.",
    "rejected.cores_below_bound": "The specification has fewer cores than the servers to which quota is bound.",
    "rejected.cores_below_bound.figures": "The servers to which quota is bound have {required}, but the specification"
    " has {offered}, {missing} too few. Choose a larger quota, or unbind servers.",
    "rejected.quota_exhausted": "Too little quota is left for this server. Unbind another, or choose a larger quota.",
}
