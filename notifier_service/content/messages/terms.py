"""Messages about terms: a subscription is activated, renewed, reactivated, or changes its specification."""

from decimal import Decimal

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import MailContent, Row, Severity, details, paragraphs
from shared.contracts.lifecycle import Activated, Renewed, SpecificationChanged
from shared.contracts.lifecycle_parts import AutoRenewalPlan, RenewalMethod
from shared.contracts.types import Edition, ProtectionMode


def activated(data: Activated, localizer: Localizer) -> MailContent:
    """The term that was bought, its price, its end, and when the first deduction comes."""
    day, edition = localizer.day(data.expires_on), localizer.edition(data.specification.edition)
    highlight, ends = facts.end_highlight("label.expires_on", data.expires_on, data.ends_at, localizer)
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("activated.badge"),
        subject=localizer.text("activated.subject", edition=edition, day=day),
        title=localizer.text("activated.title"),
        lead=paragraphs(localizer.text("activated.lead"), _nothing_bound_yet(data, localizer)),
        highlight=highlight,
        details=details(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.specification)),
            _price_or_duration(data, localizer),
            ("starts", localizer.moment(data.term.starts_at)),
            ends,
            *_plan_rows(data.auto_renewal, localizer),
        ),
        advice=(_before_the_end(data.auto_renewal, localizer),),
        page=_page(data),
    )


def renewed(data: Renewed, localizer: Localizer) -> MailContent:
    """The new end and the price; what was deducted stands there where this service deducted it (R20)."""
    key = f"renewed.{_variant(data)}"
    values = {
        "day": localizer.day(data.expires_on),
        "charged": localizer.money(data.charged, data.currency) if data.charged is not None else "",
    }
    highlight, ends = facts.end_highlight("label.new_expires_on", data.expires_on, data.ends_at, localizer)
    kept = facts.retained(data.retained, localizer)
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("renewed.badge"),
        subject=localizer.text(f"{key}.subject", **values),
        title=localizer.text(f"{key}.title"),
        lead=paragraphs(localizer.text(f"{key}.lead"), localizer.text("renewed.kept") if kept else None),
        highlight=highlight,
        details=details(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.term.specification)),
            *_payment_rows(data, localizer),
            ("starts", localizer.moment(data.term.starts_at)),
            ends,
            ("retained", kept),
        ),
    )


def specification_changed(data: SpecificationChanged, localizer: Localizer) -> MailContent:
    """Old and new specification, and the price difference where the change was made outside of a renewal (R19)."""
    stated = data.price_difference is not None
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("specification_changed.badge"),
        subject=localizer.text("specification_changed.subject"),
        title=localizer.text("specification_changed.subject"),
        lead=paragraphs(
            localizer.text("specification_changed.lead"),
            localizer.text("specification_changed.untouched") if stated else None,
        ),
        details=details(
            localizer,
            ("specification", localizer.specification(data.specification)),
            ("previous", localizer.specification(data.previous)),
            ("in_effect_from", localizer.moment(data.effective_at)),
            ("price_difference", _price_difference(data, localizer)),
            ("order", data.order_id),
        ),
    )


def _variant(data: Renewed) -> str:
    if data.reactivated:
        return "reactivated"
    return "free" if data.method is RenewalMethod.AUTOMATIC and data.charged == 0 else str(data.method)


def _payment_rows(data: Renewed, localizer: Localizer) -> tuple[Row, ...]:
    """The price; where something was deducted also the coupon and the balance. Without a coupon the price is that."""
    if data.fee is None or data.charged is None or data.balance_after is None:
        return (_price_or_duration(data, localizer),)
    paid = localizer.price(localizer.money(data.fee, data.currency), data.term.months)
    balance = ("balance", localizer.money(data.balance_after, data.currency))
    if not data.discount:
        return ("charged", paid), balance
    return (
        ("price", paid),
        ("discount", localizer.money(data.discount, data.currency) if data.charged else None),
        ("coupon", data.coupon_id),
        ("charged", localizer.money(data.charged, data.currency)),
        balance,
    )


def _price_or_duration(data: Activated | Renewed, localizer: Localizer) -> Row:
    stated = facts.price(data.price, localizer)
    return ("price", stated) if stated else ("duration", localizer.months(data.term.months))


def _nothing_bound_yet(data: Activated, localizer: Localizer) -> str | None:
    """R9: partial protection begins with nothing bound; the edition of add-ons alone has nothing to bind (R7)."""
    return localizer.text("activated.partial") if _has_to_bind(data) else None


def _has_to_bind(data: Activated) -> bool:
    specification = data.specification
    return specification.protection_mode is ProtectionMode.PARTIAL and specification.edition != Edition.VALUE_ADDED


def _page(data: Activated) -> Page | None:
    """Where quota is bound; else, where no deduction is possible any more, where the term is renewed by hand."""
    if _has_to_bind(data):
        return Page.MANAGE
    return Page.RENEW if data.auto_renewal and data.auto_renewal.first_attempt_at is None else None


def _plan_rows(plan: AutoRenewalPlan | None, localizer: Localizer) -> tuple[Row, ...]:
    """The cycle is not named: it is the duration of the purchase (R11)."""
    first = localizer.moment(plan.first_attempt_at) if plan and plan.first_attempt_at else None
    return ("auto_renewal", localizer.text("auto_renewal.on" if plan else "auto_renewal.off")), ("first_attempt", first)


def _before_the_end(plan: AutoRenewalPlan | None, localizer: Localizer) -> str:
    if plan is None:
        return localizer.text("activated.advice.off")
    return localizer.text("activated.advice.on" if plan.first_attempt_at else "activated.advice.on_late")


def _price_difference(data: SpecificationChanged, localizer: Localizer) -> str | None:
    amount: Decimal | None = data.price_difference
    if amount is None:
        return None
    way = "same" if amount == 0 else "more" if amount > 0 else "less"
    return localizer.text(f"specification_changed.price.{way}", amount=localizer.money(abs(amount), data.currency))
