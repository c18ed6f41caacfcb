"""Messages about auto-renewal: a deduction that failed, switched on, switched off, declined."""

from msgspec.structs import replace

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import Highlight, MailContent, Row, Severity, details
from shared.contracts.lifecycle import RenewalDeclineNoted
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed, AutoRenewalSwitchedOff, AutoRenewalSwitchedOn


def failed(data: AutoRenewalFailed, localizer: Localizer) -> MailContent:
    """What the balance lacks after the coupon, when the next attempt is made, and when protection ends (R25)."""
    shortfall = localizer.money(data.shortfall, data.currency)
    following = localizer.moment(data.next_attempt_at) if data.next_attempt_at else None
    advice = "auto_renewal_failed.advice.next" if following else "auto_renewal_failed.advice.last"
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("auto_renewal_failed.badge"),
        subject=localizer.text("auto_renewal_failed.subject", shortfall=shortfall),
        title=localizer.text("auto_renewal_failed.title"),
        lead=(localizer.text("auto_renewal_failed.lead"),),
        highlight=Highlight(localizer.text("label.shortfall"), shortfall),
        details=details(
            localizer,
            ("specification", facts.specification(data.specification, localizer)),
            ("quote", _fee(data, localizer)),
            *facts.coupon_rows(data.fee, data.discount, None, currency=data.currency, localizer=localizer),
            ("balance", localizer.money(data.balance, data.currency)),
            ("attempt", localizer.number(data.attempt)),
            ("next_attempt", following),
            *facts.end_rows(data.expires_on, data.ends_at, localizer),
        ),
        advice=(localizer.text(advice), localizer.text("auto_renewal_failed.advice.manual")),
        page=Page.TOP_UP,
    )


def enabled(data: AutoRenewalSwitchedOn, localizer: Localizer) -> MailContent:
    """From which day on, for which cycle at which price, and when the first deduction is made (R21)."""
    cycle, late = localizer.months(data.cycle_months), data.first_attempt_at is None
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("auto_renewal_enabled.badge"),
        subject=localizer.text("auto_renewal_enabled.subject", cycle=cycle),
        title=localizer.text("auto_renewal_enabled.title"),
        lead=(localizer.text("auto_renewal_enabled.lead"),),
        details=details(
            localizer,
            ("specification", facts.specification(data.specification, localizer)),
            ("quote", facts.price(data.quote, localizer)) if data.quote else ("cycle", cycle),
            ("effective_on", localizer.day(data.effective_on)),
            ("first_attempt", localizer.moment(data.first_attempt_at) if data.first_attempt_at else None),
        ),
        advice=(localizer.text("auto_renewal_enabled.advice.late" if late else "auto_renewal_enabled.advice"),),
        page=Page.RENEW if late else None,
    )


def disabled(data: AutoRenewalSwitchedOff, localizer: Localizer) -> MailContent:
    """From which day on, and when the subscription now ends; in grace, where it has ended, no reminder will come."""
    content = _switched_off(
        "auto_renewal_disabled",
        ("effective_on", localizer.day(data.effective_on)),
        *facts.end_rows(data.expires_on, data.ends_at, localizer),
        localizer=localizer,
    )
    in_grace = data.expires_on is not None and data.effective_on > data.expires_on
    return replace(content, advice=()) if in_grace else content


def declined(data: RenewalDeclineNoted, localizer: Localizer) -> MailContent:
    """The decision not to renew, and when the subscription ends (R28)."""
    ends = facts.end_rows(data.expires_on, data.ends_at, localizer)
    return replace(_switched_off("renewal_declined", *ends, localizer=localizer), page=Page.RENEW)


def _switched_off(kind: str, *rows: Row, localizer: Localizer) -> MailContent:
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text(f"{kind}.badge"),
        subject=localizer.text(f"{kind}.subject"),
        title=localizer.text(f"{kind}.subject"),
        lead=(localizer.text(f"{kind}.lead"),),
        details=details(localizer, *rows),
        advice=(localizer.text(f"{kind}.advice"),),
    )


def _fee(data: AutoRenewalFailed, localizer: Localizer) -> str:
    amount = localizer.money(data.fee, data.currency)
    return localizer.price(amount, data.months) if data.months else amount
