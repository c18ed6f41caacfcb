"""Letters about the end: the reminder, the expiry, the last notice, the release."""

from notifier_service.content.letters.letter import Figure, Hurdles, MailContent, Tone, facts, paragraphs
from notifier_service.content.letters.orders import refusal
from notifier_service.content.localizer import Localizer
from shared.contracts.lifecycle import AutoRenewalStatus, Expired, Released, ReleaseDue, RenewalDue

_TONES = {
    AutoRenewalStatus.OFF: Tone.WARNING,
    AutoRenewalStatus.WILL_CHARGE: Tone.CALM,
    AutoRenewalStatus.FAILED: Tone.URGENT,
    AutoRenewalStatus.DECLINED: Tone.WARNING,
}


def renewal_due(data: RenewalDue, localizer: Localizer) -> MailContent:
    """The true days left, the price, how auto-renewal stands, and what would refuse a renewal now (R30)."""
    key = f"renewal_due.{data.auto_renewal}"
    words = reminder_words(data, localizer)
    return MailContent(
        tone=_TONES[data.auto_renewal],
        badge=localizer.say("renewal_due.badge"),
        subject=localizer.say(f"{key}.subject", **words),
        title=localizer.say(f"{key}.title", **words),
        lead=(localizer.say(f"{key}.lead", **words),),
        figure=_days_left(data.days_left, words["day"], localizer),
        facts=facts(
            localizer,
            ("expires_on", words["day"]),
            ("ends", words["ends"]),
            ("quote", localizer.say("renewal_due.quote", months=words["months"], fee=words["fee"])),
        ),
        hurdles=_hurdles(data, localizer),
        advice=(localizer.say(f"{key}.advice", **words),),
    )


def reminder_words(data: RenewalDue, localizer: Localizer) -> dict[str, str]:
    """What a reminder's sentences are filled with; the calendar file uses them too."""
    return {
        "when": localizer.when(data.days_left),
        "day": localizer.day(data.expires_on),
        "ends": localizer.moment(data.ends_at),
        "months": localizer.months(data.quote.months),
        "fee": localizer.money(data.quote.fee, data.quote.currency),
    }


def expired(data: Expired, localizer: Localizer) -> MailContent:
    until, kept = localizer.moment(data.retained_until), localizer.kept(data.retained)
    last_day = localizer.last_day(data.retained_until)
    return MailContent(
        tone=Tone.URGENT,
        badge=localizer.say("expired.badge"),
        subject=localizer.say("expired.subject", last_day=last_day),
        title=localizer.say("expired.title"),
        lead=paragraphs(
            localizer.say("expired.lead", day=localizer.day(data.expires_on)),
            localizer.say("expired.kept", until=until, kept=kept) if any(data.retained.values()) else None,
        ),
        figure=Figure(last_day, localizer.say("expired.figure")),
        facts=facts(
            localizer,
            ("expires_on", localizer.day(data.expires_on)),
            ("retained_until", until),
            ("retained", kept),
        ),
        advice=(localizer.say("expired.advice"),),
    )


def release_due(data: ReleaseDue, localizer: Localizer) -> MailContent:
    moment, last_day = localizer.moment(data.release_at), localizer.last_day(data.release_at)
    return MailContent(
        tone=Tone.URGENT,
        badge=localizer.say("release_due.badge"),
        subject=localizer.say("release_due.subject", last_day=last_day),
        title=localizer.say("release_due.title"),
        lead=(localizer.say("release_due.lead", moment=moment),),
        figure=Figure(last_day, localizer.say("release_due.figure")),
        facts=facts(localizer, ("release_at", moment), ("to_delete", localizer.kept(data.retained))),
        advice=(localizer.say("release_due.advice"),),
    )


def released(data: Released, localizer: Localizer) -> MailContent:
    moment, edition = localizer.moment(data.released_at), localizer.edition(data.edition)
    return MailContent(
        tone=Tone.WARNING,
        badge=localizer.say("released.badge"),
        subject=localizer.say("released.subject"),
        title=localizer.say("released.title"),
        lead=paragraphs(
            localizer.say("released.lead", moment=moment), localizer.say("released.edition", edition=edition)
        ),
        facts=facts(localizer, ("released_at", moment), ("purged", localizer.kept(data.purged)), ("edition", edition)),
        advice=(localizer.say("released.advice"),),
    )


def _days_left(days: int, day: str, localizer: Localizer) -> Figure:
    caption = localizer.say("renewal_due.figure.caption", day=day)
    if days <= 0:
        return Figure(localizer.say("renewal_due.figure.today"), caption)
    return Figure(localizer.say("renewal_due.figure", n=days), caption)


def _hurdles(data: RenewalDue, localizer: Localizer) -> Hurdles | None:
    if not data.obstacles:
        return None
    sentences = tuple(refusal(each.code, each.required, each.offered, localizer) for each in data.obstacles)
    return Hurdles(localizer.say("renewal_due.obstacles"), sentences)
