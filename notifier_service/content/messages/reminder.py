"""The reminder that a subscription expires: one text for each way in which auto-renewal stands (R29, R30)."""

from decimal import Decimal
from typing import Final

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import Highlight, MailContent, Row, Severity, details
from notifier_service.content.messages.obstacles import obstacle_list
from shared.contracts.lifecycle import RenewalDue
from shared.contracts.lifecycle_parts import AutoRenewalStatus

_SEVERITIES: Final = {
    "off": Severity.WARNING,
    "will_charge": Severity.INFO,
    "short": Severity.WARNING,
    "failed": Severity.URGENT,
    "declined": Severity.WARNING,
}


def renewal_due(data: RenewalDue, localizer: Localizer) -> MailContent:
    """The days left, the price, what the balance lacks after the coupon, and what would refuse a renewal now."""
    key = f"renewal_due.{_variant(data)}"
    when, missing = localizer.when(data.days_left), _missing(data, localizer)
    values = {
        "when": when,
        "day": localizer.day(data.expires_on),
        "due": localizer.money(data.quote.fee - (data.discount or 0), data.quote.currency),
        "shortfall": missing or "",
    }
    return MailContent(
        severity=_SEVERITIES[_variant(data)],
        badge=localizer.text("renewal_due.badge"),
        subject=localizer.text(f"{key}.subject", **values),
        title=localizer.text(f"{key}.title"),
        lead=(localizer.text(f"{key}.lead"),),
        highlight=Highlight(localizer.text("label.shortfall" if missing else "label.expires"), missing or when.strip()),
        details=details(
            localizer,
            ("specification", facts.specification(data.specification, localizer)),
            ("expires", when.strip() if missing else None),
            *facts.end_rows(data.expires_on, data.ends_at, localizer),
            ("quote", facts.price(data.quote, localizer)),
            *_deduction_rows(data, localizer),
        ),
        obstacles=obstacle_list(data.obstacles, localizer),
        advice=(_advice(data, localizer),),
        page=_page(data),
    )


def _variant(data: RenewalDue) -> str:
    """`short`: auto-renewal will try, but the balance does not cover it. A failed deduction that is now covered by a
    coupon is one that will be tried.
    """
    if data.auto_renewal is AutoRenewalStatus.WILL_CHARGE:
        return "short" if data.shortfall else "will_charge"
    if data.auto_renewal is AutoRenewalStatus.FAILED and data.attempt_at and not data.shortfall:
        return "will_charge"
    return str(data.auto_renewal)


def _missing(data: RenewalDue, localizer: Localizer) -> str | None:
    return localizer.money(data.shortfall, data.quote.currency) if data.shortfall else None


def _advice(data: RenewalDue, localizer: Localizer) -> str:
    """Whether the balance covers the fee is not known of an event from before it was stated."""
    key = f"renewal_due.{_variant(data)}.advice"
    return localizer.text(
        "renewal_due.will_charge.check" if _variant(data) == "will_charge" and data.balance is None else key
    )


def _page(data: RenewalDue) -> Page:
    """Of an event from before the balance was stated, whoever pays from it is asked to look at it."""
    match _variant(data):
        case "off" | "declined":
            return Page.RENEW
        case "will_charge" if data.balance is not None:
            return Page.MANAGE
    return Page.TOP_UP


def _deduction_rows(data: RenewalDue, localizer: Localizer) -> tuple[Row, ...]:
    if data.balance is None:
        return ()
    quote, discount = data.quote, data.discount or Decimal(0)
    return (
        *facts.coupon_rows(quote.fee, discount, data.coupon_id, currency=quote.currency, localizer=localizer),
        ("balance", localizer.money(data.balance, quote.currency)),
        ("next_attempt", localizer.moment(data.attempt_at) if data.attempt_at else None),
    )
