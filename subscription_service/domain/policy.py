"""What is chosen, not decided: the policy's days and hours, the catalog's prices and ranges.

Plain values; `subscription_service.policy_files` reads and checks them. The order of `Edition`'s members is "up" and
"down" (R16, R19).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from shared.contracts.types import Edition, Feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Day counts run back from E; hours are of the billing zone; both lists descend."""

    version: str
    billing_zone: ZoneInfo
    reminder_days: tuple[int, ...] = (7,)
    auto_renewal_attempt_days: tuple[int, ...] = (9, 8, 7, 6, 5, 4, 3, 2, 1)
    grace_days: int = 7
    deduction_hour: int = 8
    reminder_hour: int = 10
    release_reminder_hour: int = 10
    park_for: timedelta = timedelta(minutes=15)
    park_limit: int = 10_000
    park_limit_bytes: int = 10_000_000
    claim_retention_days: int = 35


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionPrice:
    """What an edition counts (R7) and costs a month; a dimension that is not counted costs nothing."""

    counts_servers: bool
    counts_cores: bool
    server_price: Decimal = Decimal(0)
    core_price: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureRange:
    """0, or `minimum` to `maximum` (None: no end) in whole `step`s (R10); `price` a unit and month."""

    unit: str
    minimum: int
    step: int
    maximum: int | None
    price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """List prices; every `Edition` and every `Feature` stands in it."""

    version: str
    currency: str
    editions: Mapping[Edition, EditionPrice]
    features: Mapping[Feature, FeatureRange]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    policy: Policy
    catalog: Catalog
