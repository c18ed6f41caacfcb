"""Letters about auto-renewal: switched on, switched off, declined, and a deduction that failed."""

from notifier_service.content.letters.letter import Figure, MailContent, Tone, facts
from notifier_service.content.localizer import Localizer
from shared.contracts.lifecycle import (
    AutoRenewalFailed,
    AutoRenewalSwitchedOff,
    AutoRenewalSwitchedOn,
    RenewalDeclineNoted,
)


def failed(data: AutoRenewalFailed, localizer: Localizer) -> MailContent:
    """What was to be deducted, what is there, what is missing, and when it is tried again (R25)."""
    shortfall, balance = localizer.money(data.shortfall), localizer.money(data.balance)
    due = localizer.money(data.fee - data.discount)
    following = localizer.moment(data.next_attempt_at) if data.next_attempt_at else None
    return MailContent(
        tone=Tone.URGENT,
        badge=localizer.say("auto_renewal_failed.badge"),
        subject=localizer.say("auto_renewal_failed.subject", shortfall=shortfall),
        title=localizer.say("auto_renewal_failed.title"),
        lead=(localizer.say("auto_renewal_failed.lead", due=due, balance=balance),),
        figure=Figure(shortfall, localizer.say("auto_renewal_failed.figure")),
        facts=facts(
            localizer,
            ("fee", localizer.money(data.fee)),
            ("discount", localizer.money(data.discount) if data.discount else None),
            ("due", due),
            ("balance", balance),
            ("shortfall", shortfall),
            ("attempt", localizer.number(data.attempt)),
            ("next_attempt", following),
        ),
        advice=(_try_again(shortfall, following, localizer), localizer.say("auto_renewal_failed.advice.manual")),
    )


def enabled(data: AutoRenewalSwitchedOn, localizer: Localizer) -> MailContent:
    cycle, day = localizer.months(data.cycle_months), localizer.day(data.effective_on)
    first = localizer.moment(data.first_attempt_at) if data.first_attempt_at else None
    return MailContent(
        tone=Tone.GOOD,
        badge=localizer.say("auto_renewal_enabled.badge"),
        subject=localizer.say("auto_renewal_enabled.subject", cycle=cycle),
        title=localizer.say("auto_renewal_enabled.title"),
        lead=(localizer.say("auto_renewal_enabled.lead", cycle=cycle, day=day),),
        facts=facts(localizer, ("effective_on", day), ("first_attempt", first)),
        advice=(
            localizer.say("auto_renewal_enabled.advice", moment=first)
            if first
            else localizer.say("auto_renewal_enabled.advice.late"),
        ),
    )


def disabled(data: AutoRenewalSwitchedOff, localizer: Localizer) -> MailContent:
    day = localizer.day(data.effective_on)
    return MailContent(
        tone=Tone.CALM,
        badge=localizer.say("auto_renewal_disabled.badge"),
        subject=localizer.say("auto_renewal_disabled.subject"),
        title=localizer.say("auto_renewal_disabled.subject"),
        lead=(localizer.say("auto_renewal_disabled.lead", day=day),),
        advice=(localizer.say("auto_renewal_disabled.advice"),),
    )


def declined(_: RenewalDeclineNoted, localizer: Localizer) -> MailContent:
    return MailContent(
        tone=Tone.CALM,
        badge=localizer.say("renewal_declined.badge"),
        subject=localizer.say("renewal_declined.subject"),
        title=localizer.say("renewal_declined.subject"),
        lead=(localizer.say("renewal_declined.lead"),),
        advice=(localizer.say("renewal_declined.advice"),),
    )


def _try_again(shortfall: str, following: str | None, localizer: Localizer) -> str:
    if following is None:
        return localizer.say("auto_renewal_failed.advice.last", shortfall=shortfall)
    return localizer.say("auto_renewal_failed.advice.next", shortfall=shortfall, moment=following)
