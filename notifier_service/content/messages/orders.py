"""Messages about requests of the customer: a refused order, and a changed contact."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Final

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer, localizer_for
from notifier_service.content.messages.mail_content import Detail, MailContent, Row, Severity, details
from notifier_service.content.names import display_name, one_line
from shared.contracts.fields import DURATIONS
from shared.contracts.lifecycle import ContactReplaced, OrderRejected
from shared.contracts.lifecycle_parts import QuantityRange, RefusalValue, RejectionCode
from shared.contracts.types import Contact, Edition

_UNITS: Final = {
    RejectionCode.SERVERS_BELOW_INVENTORY: "servers",
    RejectionCode.SERVERS_BELOW_BOUND: "servers",
    RejectionCode.CORES_BELOW_INVENTORY: "cores",
    RejectionCode.CORES_BELOW_BOUND: "cores",
}
"""Refusals whose sentence states how many are missing -> the unit of their counts."""
_LABELS: Final = {
    RejectionCode.INVALID_DURATION: ("on_offer", "ordered"),
    RejectionCode.INVALID_CYCLE: ("on_offer", "ordered"),
    RejectionCode.FEATURE_OUT_OF_RANGE: ("on_offer", "ordered"),
    RejectionCode.AMOUNT_OUT_OF_RANGE: ("highest_price", "order_price"),
    RejectionCode.QUOTA_EXHAUSTED: ("needed", "your_quota"),
    RejectionCode.AUTO_RENEWAL_TOO_LATE: ("possible_until", "requested_on"),
    RejectionCode.PENDING_RENEWAL_ORDER: ("starts", "ordered"),
    RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL: ("present", "wanted"),
}
"""Refusals -> the labels of `required` and `offered`, for refusals whose sentence does not state them."""
_OFFERS: Final = {
    RejectionCode.INVALID_DURATION: "offer.durations",
    RejectionCode.INVALID_CYCLE: "offer.cycles",
}
"""Refusals -> the sentence that lists what can be ordered (R3)."""
_EDITIONS: Final = frozenset(Edition)
_AMOUNT: Final = re.compile(r"[0-9,]+\.[0-9]{2}")


_TO_PURCHASE: Final = frozenset(
    (RejectionCode.NOT_SUBSCRIBED, RejectionCode.SUBSCRIPTION_RELEASED, RejectionCode.IMPORT_EXPIRED)
)
"""Refusals after which there is nothing to renew or to manage."""
_TO_RENEW: Final = frozenset((RejectionCode.NOT_ACTIVE, RejectionCode.AUTO_RENEWAL_TOO_LATE))
"""Refusals whose sentence asks for a renewal, whatever was ordered."""
_RENEWALS: Final = ("tenure.renewal.ordered.v1", "tenure.renewal.change_ordered.v1")


def order_rejected(data: OrderRejected, localizer: Localizer) -> MailContent:
    """Which order, why it is refused, and what was required and offered (R41)."""
    request = _request(data.order_type, localizer)
    return MailContent(
        severity=Severity.WARNING,
        badge=localizer.text("order_rejected.badge"),
        subject=_subject(request, data.order_id, localizer),
        title=localizer.text("order_rejected.title"),
        lead=(
            refusal(data.code, data.required, data.offered, localizer),
            localizer.text("order_rejected.unchanged"),
        ),
        details=details(
            localizer,
            ("request", request),
            ("order", data.order_id),
            ("feature", localizer.text(f"feature_name.{data.feature}") if data.feature else None),
            *_value_rows(data, localizer),
        ),
        advice=(localizer.text("order_rejected.paid"),) if data.order_id else (),
        page=_page(data),
    )


def refusal(code: RejectionCode, required: RefusalValue, offered: RefusalValue, localizer: Localizer) -> str:
    """Why an order is refused, or a renewal would be, as a sentence; with its counts where it has some."""
    unit = _UNITS.get(code)
    if unit and isinstance(required, int) and isinstance(offered, int):
        return localizer.text(
            f"rejected.{code}.counts",
            required=localizer.counted(unit, required),
            offered=localizer.counted(unit, offered),
            missing=localizer.number(max(required - offered, 0)),
        )
    if _is_too_far_ahead(code, offered):
        return localizer.text("rejected.invalid_duration.too_far")
    return localizer.text(f"rejected.{code}")


def _is_too_far_ahead(code: RejectionCode, offered: RefusalValue) -> bool:
    """A duration that can be ordered is refused only where the term would end too far ahead (R41)."""
    return code is RejectionCode.INVALID_DURATION and offered in DURATIONS


def _page(data: OrderRejected) -> Page | None:
    """Where it can be ordered in a way that will be accepted."""
    if data.code in _TO_PURCHASE:
        return None
    return Page.RENEW if data.code in _TO_RENEW or data.order_type in _RENEWALS else Page.MANAGE


def contact_changed(data: ContactReplaced, localizer: Localizer) -> MailContent:
    """The new contact, as messages will use it. Nobody is told of one that was forgotten (R48)."""
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("contact_changed.badge"),
        subject=localizer.text("contact_changed.subject"),
        title=localizer.text("contact_changed.subject"),
        lead=(localizer.text("contact_changed.lead"),),
        details=_contact_details(data.contact, localizer) if data.contact else (),
    )


def _contact_details(contact: Contact, localizer: Localizer) -> tuple[Detail, ...]:
    served = localizer_for(localizer.languages, contact.locale, contact.time_zone)
    return details(
        localizer,
        ("name", display_name(contact.name) or None),
        ("email", one_line(contact.email)),
        ("language", served.language.locale.get_display_name(localizer.language.locale)),
        ("time_zone", served.zone.key),
    )


def _subject(request: str, order_id: str | None, localizer: Localizer) -> str:
    if order_id is None:
        return localizer.text("order_rejected.subject", request=request)
    return localizer.text("order_rejected.subject.order", request=request, order=order_id)


def _request(order_type: str, localizer: Localizer) -> str:
    key = "request." + order_type.removeprefix("tenure.").removesuffix(".v1")
    return localizer.text(key if key in localizer.language.sentences else "request.other")


def _value_rows(data: OrderRejected, localizer: Localizer) -> tuple[Row, ...]:
    """What was required and offered; nothing where the sentence has the counts, or where nothing is on offer."""
    if data.code not in _LABELS or _is_too_far_ahead(data.code, data.offered):
        return ()
    required, offered = _LABELS[data.code]
    return (required, _required(data, localizer)), (offered, _offered(data, localizer))


def _offered(data: OrderRejected, localizer: Localizer) -> str | None:
    if data.code in _OFFERS and isinstance(data.offered, int):
        return localizer.months(data.offered)
    return _value(data.offered, localizer)


def _required(data: OrderRejected, localizer: Localizer) -> str | None:
    if data.code in _OFFERS:
        return localizer.text(_OFFERS[data.code])
    if data.code is RejectionCode.FEATURE_OUT_OF_RANGE:
        return _range(data.range, localizer) if data.range else None
    return _value(data.required, localizer)


def _value(value: RefusalValue, localizer: Localizer) -> str | None:
    """A count, an edition, an amount, a day or an instant, in the reader's language; None for English prose."""
    if value is None or isinstance(value, int):
        return None if value is None else localizer.number(value)
    if value in _EDITIONS:
        return localizer.edition(value)
    if _AMOUNT.fullmatch(value):
        return localizer.money(Decimal(value.replace(",", "")), None)
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return localizer.moment(instant) if instant.tzinfo else localizer.day(instant.date())


def _range(allowed: QuantityRange, localizer: Localizer) -> str:
    values = {"minimum": localizer.number(allowed.minimum)}
    key = "range.unlimited"
    if allowed.maximum is not None:
        key, values["maximum"] = "range.limited", localizer.number(allowed.maximum)
    if allowed.step > 1:
        key, values["step"] = f"{key}.steps", localizer.number(allowed.step)
    return localizer.text(key, **values)
