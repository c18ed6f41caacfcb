"""Letters about the end: the reminder, the expiry, the last notice, the release."""

from notifier_service.letters.letter import Figure, Hurdles, Letter, Tone, facts, paragraphs
from notifier_service.letters.orders import refusal
from notifier_service.reader import Reader
from shared.contracts.lifecycle import AutoRenewalStanding, Expired, Released, ReleaseDue, RenewalDue

_TONES = {
    AutoRenewalStanding.OFF: Tone.WARNING,
    AutoRenewalStanding.WILL_CHARGE: Tone.CALM,
    AutoRenewalStanding.FAILED: Tone.URGENT,
    AutoRenewalStanding.DECLINED: Tone.WARNING,
}


def renewal_due(data: RenewalDue, reader: Reader) -> Letter:
    """The true days left, the price, how auto-renewal stands, and what would refuse a renewal now (R30)."""
    key = f"renewal_due.{data.auto_renewal}"
    words = reminder_words(data, reader)
    return Letter(
        tone=_TONES[data.auto_renewal],
        badge=reader.say("renewal_due.badge"),
        subject=reader.say(f"{key}.subject", **words),
        title=reader.say(f"{key}.title", **words),
        lead=(reader.say(f"{key}.lead", **words),),
        figure=_days_left(data.days_left, words["day"], reader),
        facts=facts(
            reader,
            ("expires_on", words["day"]),
            ("ends", words["ends"]),
            ("quote", reader.say("renewal_due.quote", months=words["months"], fee=words["fee"])),
        ),
        hurdles=_hurdles(data, reader),
        advice=(reader.say(f"{key}.advice", **words),),
    )


def reminder_words(data: RenewalDue, reader: Reader) -> dict[str, str]:
    """What a reminder's sentences are filled with; the calendar file uses them too."""
    return {
        "when": reader.when(data.days_left),
        "day": reader.day(data.expires_on),
        "ends": reader.moment(data.ends_at),
        "months": reader.months(data.quote.months),
        "fee": reader.money(data.quote.fee, data.quote.currency),
    }


def expired(data: Expired, reader: Reader) -> Letter:
    until, kept = reader.moment(data.retained_until), reader.kept(data.retained)
    last_day = reader.last_day(data.retained_until)
    return Letter(
        tone=Tone.URGENT,
        badge=reader.say("expired.badge"),
        subject=reader.say("expired.subject", last_day=last_day),
        title=reader.say("expired.title"),
        lead=paragraphs(
            reader.say("expired.lead", day=reader.day(data.expires_on)),
            reader.say("expired.kept", until=until, kept=kept) if any(data.retained.values()) else None,
        ),
        figure=Figure(last_day, reader.say("expired.figure")),
        facts=facts(
            reader,
            ("expires_on", reader.day(data.expires_on)),
            ("retained_until", until),
            ("retained", kept),
        ),
        advice=(reader.say("expired.advice"),),
    )


def release_due(data: ReleaseDue, reader: Reader) -> Letter:
    moment, last_day = reader.moment(data.release_at), reader.last_day(data.release_at)
    return Letter(
        tone=Tone.URGENT,
        badge=reader.say("release_due.badge"),
        subject=reader.say("release_due.subject", last_day=last_day),
        title=reader.say("release_due.title"),
        lead=(reader.say("release_due.lead", moment=moment),),
        figure=Figure(last_day, reader.say("release_due.figure")),
        facts=facts(reader, ("release_at", moment), ("to_delete", reader.kept(data.retained))),
        advice=(reader.say("release_due.advice"),),
    )


def released(data: Released, reader: Reader) -> Letter:
    moment, edition = reader.moment(data.released_at), reader.edition(data.edition)
    return Letter(
        tone=Tone.WARNING,
        badge=reader.say("released.badge"),
        subject=reader.say("released.subject"),
        title=reader.say("released.title"),
        lead=paragraphs(reader.say("released.lead", moment=moment), reader.say("released.edition", edition=edition)),
        facts=facts(reader, ("released_at", moment), ("purged", reader.kept(data.purged)), ("edition", edition)),
        advice=(reader.say("released.advice"),),
    )


def _days_left(days: int, day: str, reader: Reader) -> Figure:
    caption = reader.say("renewal_due.figure.caption", day=day)
    if days <= 0:
        return Figure(reader.say("renewal_due.figure.today"), caption)
    return Figure(reader.say("renewal_due.figure", n=days), caption)


def _hurdles(data: RenewalDue, reader: Reader) -> Hurdles | None:
    if not data.obstacles:
        return None
    sentences = tuple(refusal(each.code, each.required, each.offered, reader) for each in data.obstacles)
    return Hurdles(reader.say("renewal_due.obstacles"), sentences)
