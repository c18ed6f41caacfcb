"""What each kind of lifecycle event says: one function a kind, event data in, `MailContent` out. Pure.

A letter is the content alone, in the reader's words; `render` gives it the shape of a mail or of an
internal message. `WRITERS` is the whole list. A new kind: one function, one line here, its words.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from notifier_service.content.letters import auto_renewal, expiry, orders, quota, terms
from notifier_service.content.letters.letter import MailContent
from notifier_service.content.localizer import Localizer
from shared.contracts import lifecycle
from shared.contracts.lifecycle import LifecycleData

WRITERS: Final[Mapping[type[LifecycleData], Callable[[Any, Localizer], MailContent]]] = {
    lifecycle.Activated: terms.activated,
    lifecycle.Renewed: terms.renewed,
    lifecycle.SpecificationChanged: terms.specification_changed,
    lifecycle.AutoRenewalSwitchedOn: auto_renewal.enabled,
    lifecycle.AutoRenewalSwitchedOff: auto_renewal.disabled,
    lifecycle.AutoRenewalFailed: auto_renewal.failed,
    lifecycle.RenewalDeclineNoted: auto_renewal.declined,
    lifecycle.RenewalDue: expiry.renewal_due,
    lifecycle.Expired: expiry.expired,
    lifecycle.ReleaseDue: expiry.release_due,
    lifecycle.Released: expiry.released,
    lifecycle.QuotaExceeded: quota.exceeded,
    lifecycle.QuotaRestored: quota.restored,
    lifecycle.OrderRejected: orders.order_rejected,
    lifecycle.ContactReplaced: orders.contact_changed,
}


def write(data: LifecycleData, localizer: Localizer) -> MailContent:
    """The letter for one event, in the reader's language and zone."""
    return WRITERS[type(data)](data, localizer)
