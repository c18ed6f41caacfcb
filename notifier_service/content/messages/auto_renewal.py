"""Messages about auto-renewal: a deduction that failed, switched on, switched off, declined."""

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import Highlight, MailContent, Severity, details
from shared.contracts.lifecycle import (
    AutoRenewalFailed,
    AutoRenewalSwitchedOff,
    AutoRenewalSwitchedOn,
    RenewalDeclineNoted,
)


def failed(data: AutoRenewalFailed, localizer: Localizer) -> MailContent:
    """What was to be deducted, the balance, what is missing, and when the next attempt is made (R25)."""
    shortfall, balance = localizer.money(data.shortfall, data.currency), localizer.money(data.balance, data.currency)
    due = localizer.money(data.fee - data.discount, data.currency)
    following = localizer.moment(data.next_attempt_at) if data.next_attempt_at else None
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("auto_renewal_failed.badge"),
        subject=localizer.text("auto_renewal_failed.subject", shortfall=shortfall),
        title=localizer.text("auto_renewal_failed.title"),
        lead=(localizer.text("auto_renewal_failed.lead", due=due, balance=balance),),
        highlight=Highlight(shortfall, localizer.text("auto_renewal_failed.highlight")),
        details=details(
            localizer,
            ("fee", localizer.money(data.fee, data.currency)),
            ("discount", localizer.money(data.discount, data.currency) if data.discount else None),
            ("due", due),
            ("balance", balance),
            ("shortfall", shortfall),
            ("attempt", localizer.number(data.attempt)),
            ("next_attempt", following),
        ),
        advice=(_try_again(shortfall, following, localizer), localizer.text("auto_renewal_failed.advice.manual")),
    )


def enabled(data: AutoRenewalSwitchedOn, localizer: Localizer) -> MailContent:
    """From which day on, for which cycle, and when the first deduction is made (R21)."""
    cycle, day = localizer.months(data.cycle_months), localizer.day(data.effective_on)
    first = localizer.moment(data.first_attempt_at) if data.first_attempt_at else None
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("auto_renewal_enabled.badge"),
        subject=localizer.text("auto_renewal_enabled.subject", cycle=cycle),
        title=localizer.text("auto_renewal_enabled.title"),
        lead=(localizer.text("auto_renewal_enabled.lead", cycle=cycle, day=day),),
        details=details(localizer, ("effective_on", day), ("first_attempt", first)),
        advice=(
            localizer.text("auto_renewal_enabled.advice", moment=first)
            if first
            else localizer.text("auto_renewal_enabled.advice.late"),
        ),
    )


def disabled(data: AutoRenewalSwitchedOff, localizer: Localizer) -> MailContent:
    """From which day on."""
    day = localizer.day(data.effective_on)
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("auto_renewal_disabled.badge"),
        subject=localizer.text("auto_renewal_disabled.subject"),
        title=localizer.text("auto_renewal_disabled.subject"),
        lead=(localizer.text("auto_renewal_disabled.lead", day=day),),
        advice=(localizer.text("auto_renewal_disabled.advice"),),
    )


def declined(_: RenewalDeclineNoted, localizer: Localizer) -> MailContent:
    """The decision not to renew (R28)."""
    return MailContent(
        severity=Severity.INFO,
        badge=localizer.text("renewal_declined.badge"),
        subject=localizer.text("renewal_declined.subject"),
        title=localizer.text("renewal_declined.subject"),
        lead=(localizer.text("renewal_declined.lead"),),
        advice=(localizer.text("renewal_declined.advice"),),
    )


def _try_again(shortfall: str, following: str | None, localizer: Localizer) -> str:
    if following is None:
        return localizer.text("auto_renewal_failed.advice.last", shortfall=shortfall)
    return localizer.text("auto_renewal_failed.advice.next", shortfall=shortfall, moment=following)
