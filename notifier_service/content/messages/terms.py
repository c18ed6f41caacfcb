"""Messages about terms: a subscription is activated, renewed, reactivated, or changes its specification."""

from decimal import Decimal

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import Highlight, MailContent, Severity, details, paragraphs
from shared.contracts.lifecycle import Activated, Renewed, SpecificationChanged
from shared.contracts.lifecycle_parts import AutoRenewalPlan, RenewalMethod
from shared.contracts.types import Edition, ProtectionMode


def activated(data: Activated, localizer: Localizer) -> MailContent:
    """The term that was bought, and when the first deduction or the expiry comes."""
    day = localizer.day(data.expires_on)
    starts, ends = localizer.moment(data.term.starts_at), localizer.moment(data.ends_at)
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("activated.badge"),
        subject=localizer.text("activated.subject", edition=localizer.edition(data.specification.edition), day=day),
        title=localizer.text("activated.title"),
        lead=paragraphs(
            localizer.text("activated.lead", starts=starts, ends=ends), _nothing_bound_yet(data, localizer)
        ),
        highlight=Highlight(day, localizer.text("activated.highlight")),
        details=details(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.specification)),
            ("duration", localizer.months(data.term.months)),
            ("expires_on", day),
            ("starts", starts),
            ("ends", ends),
            ("auto_renewal", _plan(data.auto_renewal, localizer)),
        ),
        advice=(_before_the_end(data.auto_renewal, localizer),),
    )


def renewed(data: Renewed, localizer: Localizer) -> MailContent:
    """Manual, automatic and reactivating renewals have their own sentences; amounts stand where money was deducted."""
    how = "reactivated" if data.reactivated else str(data.method)
    day = localizer.day(data.expires_on)
    values = {
        "day": day,
        "ends": localizer.moment(data.ends_at),
        "months": localizer.months(data.term.months),
        "charged": _money(data.charged, data.currency, localizer) or "",
    }
    automatic = data.method is RenewalMethod.AUTOMATIC
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("renewed.badge"),
        subject=localizer.text(f"renewed.{how}.subject", **values),
        title=localizer.text(f"renewed.{how}.title"),
        lead=paragraphs(
            localizer.text(f"renewed.{how}.lead", **values),
            localizer.text("renewed.automatic.nothing_to_do") if automatic else None,
        ),
        highlight=Highlight(day, localizer.text("renewed.highlight")),
        details=details(
            localizer,
            ("order", data.order_id),
            ("specification", localizer.specification(data.term.specification)),
            ("duration", localizer.months(data.term.months)),
            ("starts", localizer.moment(data.term.starts_at)),
            ("ends", localizer.moment(data.ends_at)),
            ("expires_on", day),
            ("fee", _money(data.fee, data.currency, localizer)),
            ("discount", _money(data.discount or None, data.currency, localizer)),
            ("coupon", data.coupon_id),
            ("charged", _money(data.charged, data.currency, localizer)),
            ("balance", _money(data.balance_after, data.currency, localizer)),
        ),
    )


def specification_changed(data: SpecificationChanged, localizer: Localizer) -> MailContent:
    """Old and new specification, and the price difference where the change was made outside of a renewal (R19)."""
    moment = localizer.moment(data.effective_at)
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("specification_changed.badge"),
        subject=localizer.text("specification_changed.subject"),
        title=localizer.text("specification_changed.subject"),
        lead=paragraphs(
            localizer.text("specification_changed.lead", moment=moment),
            _price_difference(data, localizer),
        ),
        details=details(
            localizer,
            ("specification", localizer.specification(data.specification)),
            ("previous", localizer.specification(data.previous)),
            ("price_difference", _money(data.price_difference, data.currency, localizer)),
            ("order", data.order_id),
        ),
    )


def _nothing_bound_yet(data: Activated, localizer: Localizer) -> str | None:
    """R9: partial protection begins with nothing bound; the edition of add-ons alone has nothing to bind (R7)."""
    specification = data.specification
    partial = specification.protection_mode is ProtectionMode.PARTIAL and specification.edition != Edition.VALUE_ADDED
    return localizer.text("activated.partial") if partial else None


def _plan(plan: AutoRenewalPlan | None, localizer: Localizer) -> str:
    if plan is None:
        return localizer.text("auto_renewal.off")
    return localizer.text("auto_renewal.on", cycle=localizer.months(plan.cycle_months))


def _before_the_end(plan: AutoRenewalPlan | None, localizer: Localizer) -> str:
    if plan is None:
        return localizer.text("activated.advice.off")
    if plan.first_attempt_at is None:
        return localizer.text("activated.advice.on_late")
    return localizer.text(
        "activated.advice.on",
        cycle=localizer.months(plan.cycle_months),
        moment=localizer.moment(plan.first_attempt_at),
    )


def _money(amount: Decimal | None, currency: str | None, localizer: Localizer) -> str | None:
    return None if amount is None else localizer.money(amount, currency)


def _price_difference(data: SpecificationChanged, localizer: Localizer) -> str | None:
    amount = data.price_difference
    if amount is None:
        return None
    way = "same" if amount == 0 else "more" if amount > 0 else "less"
    return localizer.text(f"specification_changed.price.{way}", amount=localizer.money(abs(amount), data.currency))
