"""What the next renewal of an account would cost, and whether its balance covers it: an estimate. Pure.

The price is the catalog's list price of the day on which the fee will be deducted (R50), or of E where nothing will be
deducted. Coupons are on no topic that the page reads, so none is taken off; what was agreed with a customer outside of
the catalog is not known either.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

from shared.contracts.types import Edition, Feature, ProtectionMode, Specification
from subscription_service.domain.calendar import end_of
from subscription_service.domain.policy import PriceList, Rules
from subscription_service.domain.pricing import fee, remainder
from tenure.ops.documents import BoughtTerm, StateDocument

ZERO: Final = Decimal("0.00")
_KNOWN_PRICES: Final = 65_536


class Outlook(StrEnum):
    """How the renewal of a subscription that is still to be renewed stands."""

    COVERED = "covered"
    """It will renew by itself, and the balance covers the list price."""
    SHORT = "short"
    """It would renew by itself, but the balance is below the list price."""
    MANUAL = "manual"
    """Auto-renewal is off: the customer has to renew."""
    DECLINED = "declined"
    """The customer said that they will not renew (R28)."""


class Estimates:
    """Prices renewals by the rules of this process."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._price = lru_cache(_KNOWN_PRICES)(self._price_of)
        self._lists = {prices.version: prices for prices in rules.catalog.price_lists}

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self._rules.catalog.currency

    def fee(self, document: StateDocument) -> Decimal | None:
        """The list price of the next renewal as is; None without a term."""
        if not document.terms or document.expires_on is None:
            return None
        last, switch = document.terms[-1], document.auto_renewal
        months = switch.cycle_months if switch.enabled and switch.cycle_months else last.months
        prices = self._prices(document.expires_on, switch.next_attempt_at if switch.enabled else None)
        return self._price(_key(last), months, prices.version)

    def _prices(self, expires_on: date, attempt_at: datetime | None) -> PriceList:
        lists = self._rules.catalog.price_lists
        if len(lists) == 1:
            return lists[0]
        return self._rules.prices_at(attempt_at or end_of(expires_on, self._rules.policy.billing_zone))

    def _price_of(self, bought: "_Key", months: int, version: str) -> Decimal:
        edition, servers, cores, value_added = bought
        specification = Specification(
            edition=edition,
            protection_mode=ProtectionMode.FULL,  # both modes have one price
            protected_servers=servers,
            cores=cores,
            value_added=dict(value_added),
        )
        return fee(specification, months, self._lists[version])


_Key = tuple[Edition, int, int, tuple[tuple[Feature, int], ...]]


def _key(term: BoughtTerm) -> _Key:
    """What decides the price, as a key."""
    bought = term.specification
    return bought.edition, bought.protected_servers, bought.cores, tuple(bought.value_added.items())


def missing(fee: Decimal | None, balance: Decimal) -> Decimal:
    """What a balance lacks for a fee; a debt counts (R45)."""
    return ZERO if fee is None else max(ZERO, remainder(fee, balance))


def over_quota(document: StateDocument) -> tuple[int, int]:
    """Servers and cores beyond the quota in force, 0 where they fit or are not counted; only while active (R33)."""
    if document.state != "active" or document.specification is None:
        return 0, 0
    full = document.specification.protection_mode is ProtectionMode.FULL
    used, quota = document.registered if full else document.bound, document.purchased_quota
    return _beyond(used.servers, quota.servers), _beyond(used.cores, quota.cores)


def _beyond(used: int | None, quota: int | None) -> int:
    return 0 if used is None or quota is None else max(0, used - quota)
