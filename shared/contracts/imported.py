"""The event in that takes over a subscription from another system, as it stands there (R42).

What depends on the billing zone, the calendar and the clock is checked by `subscription_service.domain.importing`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, Strict

from shared.contracts.fields import (
    AccountId,
    AnchorDay,
    ImportId,
    IsDeclined,
    OrderId,
    StartsAt,
    TermExpiresOn,
    described,
)
from shared.contracts.scalars import INTEGRAL
from shared.contracts.types import Contact, Specification

MOST_TERMS: Final = 1_200
"""So many terms can be taken over with one import: a hundred years, month by month."""
MOST_MONTHS: Final = 1_200
"""The longest term that can be taken over."""
LAST_YEAR: Final = 9990
"""Python's calendar ends with the year 9999; grace and release come after a term's end."""

ImportedMonths = Annotated[
    int,
    Strict(),
    Field(ge=1, le=MOST_MONTHS),
    INTEGRAL,
    described("Length of the term, in months, as it was sold.", 12),
]


def _number(value: Any) -> Any:
    """`true` equals 1 in Python, and is no number in JSON."""
    if isinstance(value, bool):
        raise ValueError("expected 1, 3 or 12")
    return value


ImportedCycle = Annotated[
    Literal[1, 3, 12],
    BeforeValidator(_number),
    INTEGRAL,
    described("Length of the auto-renewal cycle, in months (R3).", 1),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTerm:
    """One paid period, as the other system has it. It ends at 00:00 in the billing zone on the day after `expires_on`,
    where the next one starts.
    """

    order_id: OrderId
    starts_at: StartsAt
    months: ImportedMonths
    specification: Specification
    expires_on: TermExpiresOn


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAutoRenewal:
    """Auto-renewal that was on in the other system."""

    cycle_months: ImportedCycle


ImportedTerms = Annotated[
    tuple[ImportedTerm, ...],
    Field(min_length=1, max_length=MOST_TERMS),
    described(f"The chain of terms, the oldest first, at most {MOST_TERMS:,}; the first has started."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionImported:
    """A live subscription of another system is taken over as it stands (R42)."""

    import_id: ImportId
    account_id: AccountId
    contact: Contact
    anchor_day: AnchorDay
    terms: ImportedTerms
    auto_renewal: Annotated[ImportedAutoRenewal | None, described("Auto-renewal; null where it is off.")] = None
    declined: IsDeclined = False

    def __post_init__(self) -> None:
        for field, expected in contradictions(self):
            raise ValueError(f"{field}: {expected}")


def contradictions(imported: SubscriptionImported) -> Iterator[tuple[str, str]]:
    """What in an import contradicts itself: the field, and what was expected."""
    first: dict[str, int] = {}
    for number, term in enumerate(imported.terms):
        if first.setdefault(term.order_id, number) < number:
            yield f"terms.{number}.order_id", f"expected another one than in terms.{first[term.order_id]}"
    for number, (before, after) in enumerate(pairwise(imported.terms), start=1):
        if after.expires_on <= before.expires_on:
            yield (
                f"terms.{number}.expires_on",
                f"expected a day after {before.expires_on}, on which the term before ends",
            )
    if imported.declined and imported.auto_renewal is not None:
        yield "declined", "expected false where auto_renewal is on"


IMPORT_EVENTS: Final[Mapping[str, type[Any]]] = {"tenure.subscription.imported.v1": SubscriptionImported}
"""Type -> contract, on `purchases`."""
