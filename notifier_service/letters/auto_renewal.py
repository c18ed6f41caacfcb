"""Letters about auto-renewal: switched on, switched off, declined, and a deduction that failed."""

from notifier_service.letters.letter import Figure, Letter, Tone, facts
from notifier_service.reader import Reader
from shared.contracts.lifecycle import (
    AutoRenewalFailed,
    AutoRenewalSwitchedOff,
    AutoRenewalSwitchedOn,
    RenewalDeclineNoted,
)


def failed(data: AutoRenewalFailed, reader: Reader) -> Letter:
    """What was to be deducted, what is there, what is missing, and when it is tried again (R25)."""
    shortfall, balance = reader.money(data.shortfall), reader.money(data.balance)
    due = reader.money(data.fee - data.discount)
    following = reader.moment(data.next_attempt_at) if data.next_attempt_at else None
    return Letter(
        tone=Tone.URGENT,
        badge=reader.say("auto_renewal_failed.badge"),
        subject=reader.say("auto_renewal_failed.subject", shortfall=shortfall),
        title=reader.say("auto_renewal_failed.title"),
        lead=(reader.say("auto_renewal_failed.lead", due=due, balance=balance),),
        figure=Figure(shortfall, reader.say("auto_renewal_failed.figure")),
        facts=facts(
            reader,
            ("fee", reader.money(data.fee)),
            ("discount", reader.money(data.discount) if data.discount else None),
            ("due", due),
            ("balance", balance),
            ("shortfall", shortfall),
            ("attempt", reader.number(data.attempt)),
            ("next_attempt", following),
        ),
        advice=(_try_again(shortfall, following, reader), reader.say("auto_renewal_failed.advice.manual")),
    )


def enabled(data: AutoRenewalSwitchedOn, reader: Reader) -> Letter:
    cycle, day = reader.months(data.cycle_months), reader.day(data.effective_on)
    first = reader.moment(data.first_attempt_at) if data.first_attempt_at else None
    return Letter(
        tone=Tone.GOOD,
        badge=reader.say("auto_renewal_enabled.badge"),
        subject=reader.say("auto_renewal_enabled.subject", cycle=cycle),
        title=reader.say("auto_renewal_enabled.title"),
        lead=(reader.say("auto_renewal_enabled.lead", cycle=cycle, day=day),),
        facts=facts(reader, ("effective_on", day), ("first_attempt", first)),
        advice=(
            reader.say("auto_renewal_enabled.advice", moment=first)
            if first
            else reader.say("auto_renewal_enabled.advice.late"),
        ),
    )


def disabled(data: AutoRenewalSwitchedOff, reader: Reader) -> Letter:
    day = reader.day(data.effective_on)
    return Letter(
        tone=Tone.CALM,
        badge=reader.say("auto_renewal_disabled.badge"),
        subject=reader.say("auto_renewal_disabled.subject"),
        title=reader.say("auto_renewal_disabled.subject"),
        lead=(reader.say("auto_renewal_disabled.lead", day=day),),
        advice=(reader.say("auto_renewal_disabled.advice"),),
    )


def declined(_: RenewalDeclineNoted, reader: Reader) -> Letter:
    return Letter(
        tone=Tone.CALM,
        badge=reader.say("renewal_declined.badge"),
        subject=reader.say("renewal_declined.subject"),
        title=reader.say("renewal_declined.subject"),
        lead=(reader.say("renewal_declined.lead"),),
        advice=(reader.say("renewal_declined.advice"),),
    )


def _try_again(shortfall: str, following: str | None, reader: Reader) -> str:
    if following is None:
        return reader.say("auto_renewal_failed.advice.last", shortfall=shortfall)
    return reader.say("auto_renewal_failed.advice.next", shortfall=shortfall, moment=following)
