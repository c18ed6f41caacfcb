"""Messages about the end of a subscription: the reminder, the expiry, the release reminder, the release."""

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import (
    Highlight,
    MailContent,
    ObstacleList,
    Severity,
    details,
    paragraphs,
)
from notifier_service.content.messages.orders import refusal
from shared.contracts.lifecycle import Expired, Released, ReleaseDue, RenewalDue
from shared.contracts.lifecycle_parts import AutoRenewalStatus

_SEVERITIES = {
    AutoRenewalStatus.OFF: Severity.WARNING,
    AutoRenewalStatus.WILL_CHARGE: Severity.INFO,
    AutoRenewalStatus.FAILED: Severity.URGENT,
    AutoRenewalStatus.DECLINED: Severity.WARNING,
}


def renewal_due(data: RenewalDue, localizer: Localizer) -> MailContent:
    """The days left, the price, the status of auto-renewal, and what would refuse a renewal now (R30)."""
    key = f"renewal_due.{data.auto_renewal}"
    values = reminder_values(data, localizer)
    return MailContent(
        severity=_SEVERITIES[data.auto_renewal],
        badge=localizer.text("renewal_due.badge"),
        subject=localizer.text(f"{key}.subject", **values),
        title=localizer.text(f"{key}.title", **values),
        lead=(localizer.text(f"{key}.lead", **values),),
        highlight=_days_left(data.days_left, values["day"], localizer),
        details=details(
            localizer,
            ("expires_on", values["day"]),
            ("ends", values["ends"]),
            ("quote", localizer.text("renewal_due.quote", months=values["months"], fee=values["fee"])),
        ),
        obstacles=_obstacles(data, localizer),
        advice=(localizer.text(f"{key}.advice", **values),),
    )


def reminder_values(data: RenewalDue, localizer: Localizer) -> dict[str, str]:
    """Placeholder -> value for the sentences of a reminder and of its calendar file."""
    return {
        "when": localizer.when(data.days_left),
        "day": localizer.day(data.expires_on),
        "ends": localizer.moment(data.ends_at),
        "months": localizer.months(data.quote.months),
        "fee": localizer.money(data.quote.fee, data.quote.currency),
    }


def expired(data: Expired, localizer: Localizer) -> MailContent:
    """Protection has ended; what is retained, and until when (R31, R32)."""
    until, retained = localizer.moment(data.retained_until), localizer.retained(data.retained)
    last_day = localizer.last_day(data.retained_until)
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("expired.badge"),
        subject=localizer.text("expired.subject", last_day=last_day),
        title=localizer.text("expired.title"),
        lead=paragraphs(
            localizer.text("expired.lead", day=localizer.day(data.expires_on)),
            localizer.text("expired.retained", until=until, retained=retained) if any(data.retained.values()) else None,
        ),
        highlight=Highlight(last_day, localizer.text("expired.highlight")),
        details=details(
            localizer,
            ("expires_on", localizer.day(data.expires_on)),
            ("retained_until", until),
            ("retained", retained),
        ),
        advice=(localizer.text("expired.advice"),),
    )


def release_due(data: ReleaseDue, localizer: Localizer) -> MailContent:
    """The last chance to renew before what is retained is deleted (R34)."""
    moment, last_day = localizer.moment(data.release_at), localizer.last_day(data.release_at)
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("release_due.badge"),
        subject=localizer.text("release_due.subject", last_day=last_day),
        title=localizer.text("release_due.title"),
        lead=(localizer.text("release_due.lead", moment=moment),),
        highlight=Highlight(last_day, localizer.text("release_due.highlight")),
        details=details(localizer, ("release_at", moment), ("to_delete", localizer.retained(data.retained))),
        advice=(localizer.text("release_due.advice"),),
    )


def released(data: Released, localizer: Localizer) -> MailContent:
    """What was deleted, and the edition that is left (R35)."""
    moment, edition = localizer.moment(data.released_at), localizer.edition(data.edition)
    return MailContent(
        severity=Severity.WARNING,
        badge=localizer.text("released.badge"),
        subject=localizer.text("released.subject"),
        title=localizer.text("released.title"),
        lead=paragraphs(
            localizer.text("released.lead", moment=moment), localizer.text("released.edition", edition=edition)
        ),
        details=details(
            localizer, ("released_at", moment), ("purged", localizer.retained(data.purged)), ("edition", edition)
        ),
        advice=(localizer.text("released.advice"),),
    )


def _days_left(days: int, day: str, localizer: Localizer) -> Highlight:
    caption = localizer.text("renewal_due.highlight.caption", day=day)
    if days <= 0:
        return Highlight(localizer.text("renewal_due.highlight.last_day"), caption)
    return Highlight(localizer.text("renewal_due.highlight", n=days), caption)


def _obstacles(data: RenewalDue, localizer: Localizer) -> ObstacleList | None:
    if not data.obstacles:
        return None
    sentences = tuple(refusal(each.code, each.required, each.offered, localizer) for each in data.obstacles)
    return ObstacleList(localizer.text("renewal_due.obstacles"), sentences)
