"""Messages about what puts an account right: a renewal order that was taken back (R46)."""

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages import facts
from notifier_service.content.messages.mail_content import MailContent, Severity, details, paragraphs
from shared.contracts.lifecycle import RenewalTakenBack


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
    )
