"""What each kind of lifecycle event tells its reader: one function per kind, from event data to `MailContent`. Pure.

One module per subject. `render` lays the content out. A new kind of notification: one function in the module of its
subject, one line in `CONTENT_FUNCTIONS`, its sentences in every catalog.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import acts, auto_renewal, charge_notice, expiry, orders, quota, reminder, terms
from notifier_service.content.messages.mail_content import MailContent
from shared.contracts import lifecycle, lifecycle_acts, lifecycle_auto_renewal
from shared.contracts.lifecycle import LifecycleData

CONTENT_FUNCTIONS: Final[Mapping[type[LifecycleData], Callable[[Any, Localizer], MailContent]]] = {
    lifecycle.Activated: terms.activated,
    lifecycle.Renewed: terms.renewed,
    lifecycle.SpecificationChanged: terms.specification_changed,
    lifecycle_auto_renewal.AutoRenewalSwitchedOn: auto_renewal.enabled,
    lifecycle_auto_renewal.AutoRenewalSwitchedOff: auto_renewal.disabled,
    lifecycle_auto_renewal.RenewalUpcoming: charge_notice.renewal_upcoming,
    lifecycle_auto_renewal.AutoRenewalFailed: auto_renewal.failed,
    lifecycle.RenewalDeclineNoted: auto_renewal.declined,
    lifecycle.RenewalDue: reminder.renewal_due,
    lifecycle.Expired: expiry.expired,
    lifecycle.ReleaseDue: expiry.release_due,
    lifecycle.Released: expiry.released,
    lifecycle.QuotaExceeded: quota.exceeded,
    lifecycle.QuotaRestored: quota.restored,
    lifecycle.OrderRejected: orders.order_rejected,
    lifecycle.ContactReplaced: orders.contact_changed,
    lifecycle_acts.RenewalTakenBack: acts.renewal_cancelled,
    lifecycle_acts.TermExtended: acts.extended,
}


def mail_content(data: LifecycleData, localizer: Localizer) -> MailContent:
    """The content of the message about one event, in the reader's language and zone."""
    return CONTENT_FUNCTIONS[type(data)](data, localizer)
