"""Letters about the quota: exceeded, and sufficient again (R33)."""

from notifier_service.letters.letter import Figure, Letter, Tone, facts
from notifier_service.reader import Reader
from shared.contracts.lifecycle import BoundQuotaUse, QuotaExceeded, QuotaRestored, QuotaUse

Use = QuotaUse | BoundQuotaUse | None


def exceeded(data: QuotaExceeded, reader: Reader) -> Letter:
    """By how much, in each dimension that counts and is too small."""
    over = [(unit, use) for unit, use in _counted(data) if _used(use) > use.quota]
    excess = reader.listing([reader.say(unit, n=_used(use) - use.quota) for unit, use in over])
    used = reader.listing([reader.say(unit, n=_used(use)) for unit, use in over])
    quota = reader.listing([reader.say(unit, n=use.quota) for unit, use in over])
    key = f"quota_exceeded.{data.protection_mode}"
    return Letter(
        tone=Tone.WARNING,
        badge=reader.say("quota_exceeded.badge"),
        subject=reader.say("quota_exceeded.subject", excess=excess),
        title=reader.say("quota_exceeded.title"),
        lead=(reader.say(f"{key}.lead", used=used, quota=quota),),
        figure=Figure(excess, reader.say("quota_exceeded.figure")),
        facts=facts(reader, *_uses(data, reader)),
        advice=(reader.say(f"{key}.advice"),),
    )


def restored(data: QuotaRestored, reader: Reader) -> Letter:
    return Letter(
        tone=Tone.GOOD,
        badge=reader.say("quota_restored.badge"),
        subject=reader.say("quota_restored.subject"),
        title=reader.say("quota_restored.subject"),
        lead=(reader.say(f"quota_restored.{data.protection_mode}.lead"),),
        facts=facts(reader, *_uses(data, reader)),
    )


def _counted(data: QuotaExceeded | QuotaRestored) -> list[tuple[str, QuotaUse | BoundQuotaUse]]:
    return [(unit, use) for unit, use in (("servers", data.servers), ("cores", data.cores)) if use]


def _uses(data: QuotaExceeded | QuotaRestored, reader: Reader) -> list[tuple[str, str]]:
    return [(unit, _in_words(use, reader)) for unit, use in _counted(data)]


def _in_words(use: QuotaUse | BoundQuotaUse, reader: Reader) -> str:
    used, quota = _used(use), use.quota
    if used > quota:
        return reader.say("quota_exceeded.use", used=used, quota=quota, excess=used - quota)
    return reader.say("quota.use", used=used, quota=quota)


def _used(use: QuotaUse | BoundQuotaUse) -> int:
    return use.bound if isinstance(use, BoundQuotaUse) else use.registered
