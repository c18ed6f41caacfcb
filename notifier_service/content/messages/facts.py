"""Facts that several messages state: what is held, its price, its end, what a deduction takes, what is retained. Pure.

Each function gives rows, or the value of one; None and no rows where an event from before the field was added lacks it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from notifier_service.content.localizer import Localizer
from notifier_service.content.messages.mail_content import Highlight, Row
from shared.contracts.lifecycle_parts import Quote
from shared.contracts.types import Specification


def specification(held: Specification | None, localizer: Localizer) -> str | None:
    """Edition, mode, quota and value-added features."""
    return localizer.specification(held) if held else None


def price(quote: Quote | None, localizer: Localizer) -> str | None:
    """An amount and the months that it is for."""
    if quote is None:
        return None
    return localizer.price(localizer.money(quote.fee, quote.currency), quote.months)


def end_rows(expires_on: date | None, ends_at: datetime | None, localizer: Localizer) -> tuple[Row, ...]:
    """E, and the instant at which protection ends: one row where the reader's calendar has both on the same day."""
    if expires_on is None or ends_at is None:
        return ()
    if localizer.local_day(ends_at) == expires_on:
        return (("expires_on", localizer.moment(ends_at)),)
    return ("expires_on", localizer.day(expires_on)), ("ends", localizer.moment(ends_at))


def end_highlight(label: str, expires_on: date, ends_at: datetime, localizer: Localizer) -> tuple[Highlight, Row]:
    """As `end_rows`, with E in large type below the sentence `label`, and the row that is left."""
    same = localizer.local_day(ends_at) == expires_on
    highlight = Highlight(localizer.text(label), localizer.day(expires_on), localizer.clock(ends_at) if same else "")
    return highlight, ("ends", None if same else localizer.moment(ends_at))


def deadline(instant: datetime, localizer: Localizer) -> Highlight:
    """The instant before which the reader has to renew."""
    day = localizer.day(localizer.local_day(instant))
    return Highlight(localizer.text("label.renew_before"), day, localizer.clock(instant))


def coupon_rows(
    fee: Decimal, discount: Decimal, coupon_id: str | None, *, currency: str | None, localizer: Localizer
) -> tuple[Row, ...]:
    """What a coupon takes off a fee and what is left to deduct; no rows where it takes nothing."""
    if not discount:
        return ()
    return (
        ("discount", localizer.money(discount, currency)),
        ("coupon", coupon_id),
        ("due", localizer.money(fee - discount, currency)),
    )


def retained(counts: Mapping[str, int] | None, localizer: Localizer) -> str | None:
    """Configuration that is kept or deleted, as a list; None where there is none."""
    return localizer.retained(counts) if counts and any(counts.values()) else None


def kept_or_not(counts: Mapping[str, int]) -> str:
    """Which of two sentences fits: `kept` where configuration is stored, `nothing` where there is none."""
    return "kept" if any(counts.values()) else "nothing"
