"""Messages about the end of a subscription: the expiry, the release reminder, the release."""

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import MailContent, Severity, details, paragraphs
from shared.contracts.lifecycle import Expired, Released, ReleaseDue


def expired(data: Expired, localizer: Localizer) -> MailContent:
    """Protection has ended; until when and for how much it can be renewed, and what is retained (R31, R32)."""
    key, last_day = facts.kept_or_not(data.retained), localizer.last_day(data.retained_until)
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("expired.badge"),
        subject=localizer.text(f"expired.{key}.subject", last_day=last_day),
        title=localizer.text("expired.title"),
        lead=paragraphs(localizer.text("expired.lead"), localizer.text("expired.kept.lead") if key == "kept" else None),
        highlight=facts.deadline(data.retained_until, localizer),
        details=details(
            localizer,
            ("specification", facts.specification(data.specification, localizer)),
            ("expired_on", localizer.day(data.expires_on)),
            ("quote", facts.price(data.quote, localizer)),
            ("retained", facts.retained(data.retained, localizer)),
        ),
        advice=(localizer.text(f"expired.{key}.advice"),),
        page=Page.RENEW,
    )


def release_due(data: ReleaseDue, localizer: Localizer) -> MailContent:
    """The last chance to renew before the release, and what that deletes (R34)."""
    key, last_day = f"release_due.{facts.kept_or_not(data.retained)}", localizer.last_day(data.release_at)
    return MailContent(
        severity=Severity.URGENT,
        badge=localizer.text("release_due.badge"),
        subject=localizer.text(f"{key}.subject", last_day=last_day),
        title=localizer.text(f"{key}.title"),
        lead=(localizer.text(f"{key}.lead"),),
        highlight=facts.deadline(data.release_at, localizer),
        details=details(
            localizer,
            ("specification", facts.specification(data.specification, localizer)),
            ("expired_on", localizer.day(data.expires_on) if data.expires_on else None),
            ("quote", facts.price(data.quote, localizer)),
            ("to_delete", facts.retained(data.retained, localizer)),
        ),
        advice=(localizer.text(f"{key}.advice"),),
        page=Page.RENEW,
    )


def released(data: Released, localizer: Localizer) -> MailContent:
    """What was deleted, what it was, and the edition that is left (R35)."""
    key = f"released.{facts.kept_or_not(data.purged)}"
    return MailContent(
        severity=Severity.WARNING,
        badge=localizer.text("released.badge"),
        subject=localizer.text(f"{key}.subject"),
        title=localizer.text("released.title"),
        lead=(localizer.text(f"{key}.lead"),),
        details=details(
            localizer,
            ("released_at", localizer.moment(data.released_at)),
            ("previous", facts.specification(data.specification, localizer)),
            ("edition", localizer.edition(data.edition)),
            ("purged", facts.retained(data.purged, localizer)),
        ),
        advice=(localizer.text("released.advice"),),
    )
