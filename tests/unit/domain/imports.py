"""Imports of subscriptions from another system, for scenarios."""

from typing import Any, Literal

from shared.contracts import imported
from shared.contracts.types import Specification
from tests.unit.domain.scenario import ACCOUNT, ANNA, day, specification, when


def imported_term(
    order_id: str = "old-1",
    *,
    starts: str = "2026-01-15 09:00",
    expires: str = "2026-02-15",
    months: int = 1,
    bought: Specification | None = None,
) -> imported.ImportedTerm:
    return imported.ImportedTerm(
        order_id=order_id,
        starts_at=when(starts),
        months=months,
        specification=bought or specification(),
        expires_on=day(expires),
    )


def import_of(
    *terms: imported.ImportedTerm, cycle: Literal[1, 3, 12] | None = None, **changes: Any
) -> imported.SubscriptionImported:
    """An import of these terms, or of one of January to 15 February 2026, with the anchor day that fits."""
    chain = terms or (imported_term(),)
    fields: dict[str, Any] = {
        "import_id": "imp-1",
        "account_id": ACCOUNT,
        "contact": ANNA,
        "anchor_day": chain[-1].expires_on.day,
        "auto_renewal": None if cycle is None else imported.ImportedAutoRenewal(cycle_months=cycle),
    } | changes
    return imported.SubscriptionImported(terms=chain, **fields)
