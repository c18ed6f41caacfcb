"""Messages about what puts an account right: a renewal order that was taken back (R46), an extension (R47)."""

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import Highlight, MailContent, Row, Severity, details, paragraphs
from shared.contracts.lifecycle_acts import RenewalTakenBack, TermExtended


def renewal_cancelled(data: RenewalTakenBack, localizer: Localizer) -> MailContent:
    """Which order, at whose word, when the subscription ends now, and what returned to the balance."""
    highlight, ends = facts.end_highlight("label.expires_on", data.expires_on, data.ends_at, localizer)
    by = "ours" if data.operator else "yours"
    return MailContent(
        severity=Severity.WARNING,
        badge=localizer.text("renewal_cancelled.badge"),
        subject=localizer.text("renewal_cancelled.subject", day=localizer.day(data.expires_on)),
        title=localizer.text("renewal_cancelled.title"),
        lead=paragraphs(
            localizer.text(f"renewal_cancelled.lead.{by}"),
            localizer.text("renewal_cancelled.auto_renewal_off") if data.auto_renewal_off else None,
        ),
        highlight=highlight,
        details=details(
            localizer,
            ("order", data.order_id),
            ends,
            ("refunded", localizer.money(data.refunded, data.currency) if data.refunded else None),
            ("balance", localizer.money(data.balance_after, data.currency) if data.refunded else None),
        ),
        advice=(localizer.text("renewal_cancelled.advice"),),
        page=Page.RENEW,
    )


def extended(data: TermExtended, localizer: Localizer) -> MailContent:
    """By how many days, and when the subscription ends now; in grace until when it can be renewed."""
    key = f"extended.{_state_key(data)}"
    highlight, rows = _end(data, localizer)
    return MailContent(
        severity=Severity.SUCCESS if data.retained_until is None else Severity.WARNING,
        badge=localizer.text("extended.badge"),
        subject=localizer.text(f"{key}.subject", day=localizer.day(data.expires_on)),
        title=localizer.text("extended.title"),
        lead=paragraphs(
            localizer.counted("extended.days", data.days),
            None if key == "extended.active" else localizer.text(f"{key}.lead"),
        ),
        highlight=highlight,
        details=details(localizer, *rows),
        advice=(localizer.text(f"{key}.advice"),),
        page=None if key == "extended.active" else Page.RENEW,
    )


def _end(data: TermExtended, localizer: Localizer) -> tuple[Highlight, tuple[Row, ...]]:
    if data.retained_until is not None:
        return facts.deadline(data.retained_until, localizer), facts.end_rows(data.expires_on, data.ends_at, localizer)
    highlight, ends = facts.end_highlight("label.new_expires_on", data.expires_on, data.ends_at, localizer)
    return highlight, (ends,)


def _state_key(data: TermExtended) -> str:
    if data.reactivated:
        return "reactivated"
    return "active" if data.retained_until is None else "grace"
