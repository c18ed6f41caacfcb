"""Letters about what was asked of us: a refused order, and a new contact."""

from datetime import datetime
from typing import Final

from notifier_service.content.addresses import one_line, person
from notifier_service.content.letters.letter import MailContent, Tone, facts
from notifier_service.content.localizer import Localizer
from notifier_service.content.localizer import localizer as reader_of
from notifier_service.content.words import language_for
from shared.contracts.lifecycle import ContactReplaced, Figure, OrderRejected, RejectionCode
from shared.contracts.types import Edition, Feature

_UNITS: Final = {
    RejectionCode.SERVERS_BELOW_INVENTORY: "servers",
    RejectionCode.SERVERS_BELOW_BOUND: "servers",
    RejectionCode.CORES_BELOW_INVENTORY: "cores",
    RejectionCode.CORES_BELOW_BOUND: "cores",
}
"""Refusals that state how many are missing, and of what."""
_FIGURE_LABELS: Final = {
    RejectionCode.AUTO_RENEWAL_TOO_LATE: ("possible_until", "requested_on"),
    RejectionCode.PENDING_RENEWAL_ORDER: ("starts", "offered"),
    RejectionCode.DOWNGRADE_ONLY_AT_RENEWAL: ("present", "wanted"),
}
"""Refusals whose figures are no minimum and what fell short of it, and so have labels of their own."""
_EDITIONS: Final = frozenset(Edition)
_ANY_STEP: Final = " in steps of 1"
_RANGE_WORDS: Final = (", or ", ", ", " or more", " in steps of ", " or ", " to ")


def order_rejected(data: OrderRejected, localizer: Localizer) -> MailContent:
    """Which order, why in words, and the figures behind it (R41)."""
    request = _request(data.order_type, localizer)
    required, offered = _FIGURE_LABELS.get(data.code, ("required", "offered"))
    return MailContent(
        tone=Tone.WARNING,
        badge=localizer.say("order_rejected.badge"),
        subject=_subject(request, data.order_id, localizer),
        title=localizer.say("order_rejected.title"),
        lead=(
            refusal(data.code, data.required, data.offered, localizer),
            localizer.say("order_rejected.unchanged"),
        ),
        facts=facts(
            localizer,
            ("request", request),
            ("order", data.order_id),
            ("feature", _feature(data, localizer)),
            (required, _figure(data.required, localizer)),
            (offered, _figure(data.offered, localizer)),
        ),
    )


def refusal(code: RejectionCode, required: Figure, offered: Figure, localizer: Localizer) -> str:
    """Why an order is refused, or a renewal would be, in a sentence with its figures where it has some."""
    unit = _UNITS.get(code)
    if unit is None or not isinstance(required, int) or not isinstance(offered, int):
        return localizer.say(f"rejected.{code}")
    return localizer.say(
        f"rejected.{code}.figures",
        required=localizer.say(unit, n=required),
        offered=localizer.say(unit, n=offered),
        missing=max(required - offered, 0),
    )


def contact_changed(data: ContactReplaced, localizer: Localizer) -> MailContent:
    contact = data.contact
    return MailContent(
        tone=Tone.CALM,
        badge=localizer.say("contact_changed.badge"),
        subject=localizer.say("contact_changed.subject"),
        title=localizer.say("contact_changed.subject"),
        lead=(localizer.say("contact_changed.lead"),),
        facts=facts(
            localizer,
            ("name", person(contact.name) or None),
            ("email", one_line(contact.email)),
            ("language", language_for(contact.locale)),
            ("time_zone", reader_of(contact.locale, contact.time_zone).zone.key),
        ),
    )


def _subject(request: str, order_id: str | None, localizer: Localizer) -> str:
    if order_id is None:
        return localizer.say("order_rejected.subject", request=request)
    return localizer.say("order_rejected.subject.order", request=request, order=order_id)


def _request(order_type: str, localizer: Localizer) -> str:
    key = "request." + order_type.removeprefix("tenure.").removesuffix(".v1")
    return localizer.say(key if key in localizer.words else "request.other")


def _feature(data: OrderRejected, localizer: Localizer) -> str | None:
    """The value-added service that a refusal is about; on the wire only its sentence names it."""
    if data.code is not RejectionCode.FEATURE_OUT_OF_RANGE:
        return None
    named = (feature for feature in Feature if feature in data.message.split())
    return next((localizer.say(f"feature_name.{feature}") for feature in named), None)


def _figure(figure: Figure, localizer: Localizer) -> str | None:
    """A count, a day, an instant, an edition, or a range such as `1, 3 or 12`, each in the reader's words."""
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
    for word in _RANGE_WORDS:
        figure = figure.replace(word, localizer.say(f"range.{word}"))
    return figure
