"""The notice of what will be deducted, before it is: its price, the coupon, and what the balance lacks (R49)."""

from decimal import Decimal

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import Highlight, MailContent, Row, Severity, details, paragraphs
from notifier_service.content.messages.obstacles import obstacle_list
from shared.contracts.lifecycle_auto_renewal import RenewalUpcoming


def renewal_upcoming(data: RenewalUpcoming, localizer: Localizer) -> MailContent:
    """When the deduction comes, its price, whether that is another than before, the coupon, what the balance lacks."""
    key, short = f"renewal_upcoming.{_variant(data)}", bool(data.shortfall)
    values = {
        "day": localizer.day(localizer.local_day(data.attempt_at)),
        "due": localizer.money(_due(data), data.quote.currency),
        "shortfall": localizer.money(data.shortfall, data.quote.currency),
    }
    return MailContent(
        severity=Severity.WARNING if short else Severity.INFO,
        badge=localizer.text("renewal_upcoming.badge"),
        subject=localizer.text(f"{key}.subject", **values),
        title=localizer.text(f"{key}.title"),
        lead=paragraphs(
            localizer.text(f"{key}.lead"),
            localizer.text("renewal_upcoming.other_price") if _previous(data) else None,
        ),
        highlight=_highlight(data, localizer),
        details=details(
            localizer,
            ("next_attempt", localizer.moment(data.attempt_at) if short else None),
            *_price_rows(data, localizer),
            ("balance", localizer.money(data.balance, data.quote.currency)),
            ("expires_on", localizer.day(data.expires_on)),
        ),
        obstacles=obstacle_list(data.obstacles, localizer),
        advice=(localizer.text(f"{key}.advice"),),
        page=Page.TOP_UP if short else Page.MANAGE,
    )


def _variant(data: RenewalUpcoming) -> str:
    """`free`: a coupon pays for all of it, or it costs nothing."""
    if data.shortfall:
        return "short"
    return "covered" if _due(data) else "free"


def _due(data: RenewalUpcoming) -> Decimal:
    return data.quote.fee - data.discount


def _previous(data: RenewalUpcoming) -> Decimal | None:
    """The fee of the last term, where the same costs another one now."""
    return None if data.previous_fee == data.quote.fee else data.previous_fee


def _highlight(data: RenewalUpcoming, localizer: Localizer) -> Highlight:
    """What the balance lacks, else when the deduction comes."""
    if data.shortfall:
        return Highlight(localizer.text("label.shortfall"), localizer.money(data.shortfall, data.quote.currency))
    day = localizer.day(localizer.local_day(data.attempt_at))
    return Highlight(localizer.text("label.next_attempt"), day, localizer.clock(data.attempt_at))


def _price_rows(data: RenewalUpcoming, localizer: Localizer) -> tuple[Row, ...]:
    quote, previous = data.quote, _previous(data)
    return (
        ("quote", facts.price(quote, localizer)),
        ("previous_price", None if previous is None else localizer.money(previous, quote.currency)),
        *_coupon_rows(data, localizer),
    )


def _coupon_rows(data: RenewalUpcoming, localizer: Localizer) -> tuple[Row, ...]:
    """Of a coupon that pays for all of it only the name: its discount is the price."""
    if not _due(data):
        return (("coupon", data.coupon_id),)
    fee, currency = data.quote.fee, data.quote.currency
    return facts.coupon_rows(fee, data.discount, data.coupon_id, currency=currency, localizer=localizer)
