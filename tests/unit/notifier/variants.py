"""Every kind of message in all its variants, and those that no product shows: of older events, and of silent kinds."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from notifier_service.content.samples.events import ENDS_AT, ENTERPRISE, LAST_DAY, LIN, TERM
from notifier_service.content.samples.variants import inbox_only, mailed
from shared.contracts.lifecycle import LifecycleData, RecipientsReplaced
from shared.contracts.lifecycle_acts import Imported, PersonErased
from shared.contracts.lifecycle_parts import ImportedState

__all__ = ["inbox_only", "mailed", "older", "silent"]


def older() -> Iterator[tuple[str, LifecycleData]]:
    """Events from before the subscription service stated what is held, its price and its end."""
    held = dict.fromkeys(("specification", "quote", "price", "expires_on", "ends_at", "months", "currency"))
    optional = ("attempt_at", "discount", "coupon_id", "balance", "shortfall", "retained")
    for name, data in (*mailed(), *inbox_only()):
        known = {each.name for each in fields(data) if each.default is None}
        without: Any = {key: None for key in (*held, *optional) if key in known}
        yield name, replace(data, **without)


def silent() -> Iterator[tuple[str, LifecycleData]]:
    """Every kind that makes no notification."""
    yield (
        "imported",
        Imported(
            import_id="imp-1",
            contact=LIN,
            anchor_day=1,
            terms=(TERM,),
            specification=ENTERPRISE,
            expires_on=LAST_DAY,
            ends_at=ENDS_AT,
            state=ImportedState.ACTIVE,
            retained_until=None,
            auto_renewal=None,
            declined=False,
            quota_exceeded=False,
        ),
    )
    yield "erased", PersonErased(operator="o.perez", reason="ticket 4712")
    yield "recipients_changed", RecipientsReplaced(recipients=())
