"""Letters about the quota: exceeded, and sufficient again (R33)."""

from notifier_service.content.letters.letter import Figure, MailContent, Tone, facts
from notifier_service.content.localizer import Localizer
from shared.contracts.lifecycle import BoundQuotaUse, QuotaExceeded, QuotaRestored, QuotaUse

Use = QuotaUse | BoundQuotaUse | None


def exceeded(data: QuotaExceeded, localizer: Localizer) -> MailContent:
    """By how much, in each dimension that counts and is too small."""
    over = [(unit, use) for unit, use in _counted(data) if _used(use) > use.quota]
    excess = localizer.listing([localizer.say(unit, n=_used(use) - use.quota) for unit, use in over])
    used = localizer.listing([localizer.say(unit, n=_used(use)) for unit, use in over])
    quota = localizer.listing([localizer.say(unit, n=use.quota) for unit, use in over])
    key = f"quota_exceeded.{data.protection_mode}"
    return MailContent(
        tone=Tone.WARNING,
        badge=localizer.say("quota_exceeded.badge"),
        subject=localizer.say("quota_exceeded.subject", excess=excess),
        title=localizer.say("quota_exceeded.title"),
        lead=(localizer.say(f"{key}.lead", used=used, quota=quota),),
        figure=Figure(excess, localizer.say("quota_exceeded.figure")),
        facts=facts(localizer, *_uses(data, localizer)),
        advice=(localizer.say(f"{key}.advice"),),
    )


def restored(data: QuotaRestored, localizer: Localizer) -> MailContent:
    return MailContent(
        tone=Tone.GOOD,
        badge=localizer.say("quota_restored.badge"),
        subject=localizer.say("quota_restored.subject"),
        title=localizer.say("quota_restored.subject"),
        lead=(localizer.say(f"quota_restored.{data.protection_mode}.lead"),),
        facts=facts(localizer, *_uses(data, localizer)),
    )


def _counted(data: QuotaExceeded | QuotaRestored) -> list[tuple[str, QuotaUse | BoundQuotaUse]]:
    return [(unit, use) for unit, use in (("servers", data.servers), ("cores", data.cores)) if use]


def _uses(data: QuotaExceeded | QuotaRestored, localizer: Localizer) -> list[tuple[str, str]]:
    return [(unit, _in_words(use, localizer)) for unit, use in _counted(data)]


def _in_words(use: QuotaUse | BoundQuotaUse, localizer: Localizer) -> str:
    used, quota = _used(use), use.quota
    if used > quota:
        return localizer.say("quota_exceeded.use", used=used, quota=quota, excess=used - quota)
    return localizer.say("quota.use", used=used, quota=quota)


def _used(use: QuotaUse | BoundQuotaUse) -> int:
    return use.bound if isinstance(use, BoundQuotaUse) else use.registered
