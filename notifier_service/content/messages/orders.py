"""Messages about requests of the customer: a refused order, and a changed contact."""

from datetime import datetime
from typing import Final

from notifier_service.content.localizer import Localizer, localizer_for
from notifier_service.content.messages.mail_content import MailContent, Severity, details
from notifier_service.content.names import display_name, one_line
from shared.contracts.lifecycle import ContactReplaced, OrderRejected
from shared.contracts.lifecycle_parts import RefusalValue, RejectionCode
from shared.contracts.types import Edition, Feature

_UNITS: Final = {
    RejectionCode.SERVERS_BELOW_INVENTORY: "servers",
    RejectionCode.SERVERS_BELOW_BOUND: "servers",
    RejectionCode.CORES_BELOW_INVENTORY: "cores",
    RejectionCode.CORES_BELOW_BOUND: "cores",
}
"""Refusals whose sentence states how many are missing -> the unit of their counts."""
_LABELS: Final = {
    RejectionCode.AUTO_RENEWAL_TOO_LATE: ("possible_until", "requested_on"),
    RejectionCode.PENDING_RENEWAL_ORDER: ("starts", "offered"),
    RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL: ("present", "wanted"),
}
"""Refusals -> the labels of `required` and `offered`, where those are not a minimum and what fell short of it."""
_EDITIONS: Final = frozenset(Edition)
_ANY_STEP: Final = " in steps of 1"
_RANGE_WORDS: Final = {
    ", or ": "range.comma_or",
    ", ": "range.comma",
    " or more": "range.or_more",
    " in steps of ": "range.steps",
    " or ": "range.or",
    " to ": "range.to",
}
"""The English words between the numbers of a range on the wire -> key of the sentence, longer words first."""


def order_rejected(data: OrderRejected, localizer: Localizer) -> MailContent:
    """Which order, why it is refused, and what was required and offered (R41)."""
    request = _request(data.order_type, localizer)
    required, offered = _LABELS.get(data.code, ("required", "offered"))
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
            ("feature", _feature(data, localizer)),
            (required, _figure(data.required, localizer)),
            (offered, _figure(data.offered, localizer)),
        ),
    )


def refusal(code: RejectionCode, required: RefusalValue, offered: RefusalValue, localizer: Localizer) -> str:
    """Why an order is refused, or a renewal would be, as a sentence; with its counts where it has some."""
    unit = _UNITS.get(code)
    if unit is None or not isinstance(required, int) or not isinstance(offered, int):
        return localizer.text(f"rejected.{code}")
    return localizer.text(
        f"rejected.{code}.counts",
        required=localizer.text(unit, n=required),
        offered=localizer.text(unit, n=offered),
        missing=max(required - offered, 0),
    )


def contact_changed(data: ContactReplaced, localizer: Localizer) -> MailContent:
    """The new contact, as messages will use it."""
    contact = data.contact
    served = localizer_for(localizer.languages, contact.locale, contact.time_zone)
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("contact_changed.badge"),
        subject=localizer.text("contact_changed.subject"),
        title=localizer.text("contact_changed.subject"),
        lead=(localizer.text("contact_changed.lead"),),
        details=details(
            localizer,
            ("name", display_name(contact.name) or None),
            ("email", one_line(contact.email)),
            ("language", served.language.tag),
            ("time_zone", served.zone.key),
        ),
    )


def _subject(request: str, order_id: str | None, localizer: Localizer) -> str:
    if order_id is None:
        return localizer.text("order_rejected.subject", request=request)
    return localizer.text("order_rejected.subject.order", request=request, order=order_id)


def _request(order_type: str, localizer: Localizer) -> str:
    key = "request." + order_type.removeprefix("tenure.").removesuffix(".v1")
    return localizer.text(key if key in localizer.language.sentences else "request.other")


def _feature(data: OrderRejected, localizer: Localizer) -> str | None:
    """The value-added feature that a refusal is about; only the event's English sentence names it."""
    if data.code is not RejectionCode.FEATURE_OUT_OF_RANGE:
        return None
    named = (feature for feature in Feature if feature in data.message.split())
    return next((localizer.text(f"feature_name.{feature}") for feature in named), None)


def _figure(figure: RefusalValue, localizer: Localizer) -> str | None:
    """A count, a day, an instant, an edition, or a range such as `1, 3 or 12`, each in the reader's language."""
    if figure is None or isinstance(figure, int):
        return None if figure is None else localizer.number(figure)
    if figure in _EDITIONS:
        return localizer.edition(figure)
    try:
        instant = datetime.fromisoformat(figure)
    except ValueError:
        return _range(figure, localizer)
    return localizer.moment(instant) if instant.tzinfo else localizer.day(instant.date())


def _range(figure: str, localizer: Localizer) -> str:
    figure = figure.removesuffix(_ANY_STEP)
    for english, key in _RANGE_WORDS.items():
        figure = figure.replace(english, localizer.text(key))
    return figure
