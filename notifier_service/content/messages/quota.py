"""Messages about the quota: exceeded, and sufficient again (R33)."""

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import Highlight, MailContent, Row, Severity, details
from shared.contracts.lifecycle import QuotaExceeded, QuotaRestored
from shared.contracts.lifecycle_parts import BoundQuotaUse, QuotaUse

_Use = QuotaUse | BoundQuotaUse


def exceeded(data: QuotaExceeded, localizer: Localizer) -> MailContent:
    """By how much, for servers and cores each where the quota is too small; the edition, and all that it counts."""
    over = [(unit, _used(use) - use.quota) for unit, use in _counted(data) if _used(use) > use.quota]
    excess = localizer.listing([localizer.counted(unit, n) for unit, n in over])
    key = f"quota_exceeded.{data.protection_mode}"
    return MailContent(
        severity=Severity.WARNING,
        badge=localizer.text("quota_exceeded.badge"),
        subject=localizer.text("quota_exceeded.subject", excess=excess),
        title=localizer.text("quota_exceeded.title"),
        lead=(localizer.text(f"{key}.lead"),),
        highlight=Highlight(localizer.text("label.excess"), excess),
        details=details(
            localizer,
            ("product", localizer.product(data.specification) if data.specification else None),
            *_uses(data, localizer),
        ),
        advice=(localizer.text(f"{key}.advice"),),
        page=Page.MANAGE,
    )


def restored(data: QuotaRestored, localizer: Localizer) -> MailContent:
    """What is used of the quota now."""
    return MailContent(
        severity=Severity.SUCCESS,
        badge=localizer.text("quota_restored.badge"),
        subject=localizer.text("quota_restored.subject"),
        title=localizer.text("quota_restored.subject"),
        lead=(localizer.text(f"quota_restored.{data.protection_mode}.lead"),),
        details=details(localizer, *_uses(data, localizer)),
    )


def _counted(data: QuotaExceeded | QuotaRestored) -> list[tuple[str, _Use]]:
    return [(unit, use) for unit, use in (("servers", data.servers), ("cores", data.cores)) if use]


def _uses(data: QuotaExceeded | QuotaRestored, localizer: Localizer) -> list[Row]:
    return [(unit, _use(use, localizer)) for unit, use in _counted(data)]


def _use(use: _Use, localizer: Localizer) -> str:
    return localizer.text("quota.use", used=localizer.number(_used(use)), quota=localizer.number(use.quota))


def _used(use: _Use) -> int:
    return use.bound if isinstance(use, BoundQuotaUse) else use.registered
