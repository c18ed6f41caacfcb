"""The words of the wire that several events share: ids, money, instants, specification, contact.

Plain frozen dataclasses with their constraints as annotations; `envelope.py` checks them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, Strict, StringConstraints, WithJsonSchema

ID_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,128}$"
MONEY_PATTERN: Final = r"^-?[0-9]{1,15}\.[0-9]{2}$"
POSITIVE_MONEY_PATTERN: Final = r"^(?!0+\.00$)[0-9]{1,15}\.[0-9]{2}$"
MAX_DEPTH: Final = 100
_MONEY: Final = re.compile(MONEY_PATTERN)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-5][0-9])"
)


def read_instant(text: str) -> datetime:
    """RFC 3339 to UTC, cut to microseconds; a leap second is read as the second before it.

    Raises `ValueError` for everything else, also where the instant in UTC lies outside the years 2-9999: in the
    year 1 stand the zero of some languages, which the database driver takes for minus infinity, and days that do not
    exist in every zone.
    """
    text = text.upper()
    if not _INSTANT.fullmatch(text):
        raise ValueError("expected RFC 3339 with an offset")
    if text[17:19] == "60":
        text = f"{text[:17]}59{text[19:]}"
    instant = datetime.fromisoformat(text)
    instant = instant if instant.tzinfo is UTC else _in_utc(instant)
    if instant.year == 1:
        raise ValueError("expected a year from 2 to 9999 in UTC")
    return instant


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("expected an offset")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a year from 2 to 9999 in UTC") from None


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return _in_utc(value)
    if not isinstance(value, str):
        raise ValueError("expected RFC 3339 with an offset")
    return read_instant(value)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or len(value) != 10 or value[4] != "-" or value[7] != "-":
        raise ValueError("expected a day as YYYY-MM-DD")
    return date.fromisoformat(value)


def _money(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _MONEY.fullmatch(value):
        raise ValueError("expected a decimal string with two decimals")
    return Decimal(value)


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("expected an amount above 0.00")
    return value


def _storable(value: Any) -> Any:
    """JSON that every reader behind us can still write: not nested without end."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item)]
        if not level:
            return value
    raise ValueError(f"expected at most {MAX_DEPTH} levels")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""1-128 characters of A-Z a-z 0-9 . _ : -"""
Text = Annotated[str, StringConstraints(max_length=2000)]
_MONEY_SCHEMA: Final = {"type": "string", "description": "An amount in the catalog's currency."}
Money = Annotated[Decimal, BeforeValidator(_money), WithJsonSchema({**_MONEY_SCHEMA, "pattern": MONEY_PATTERN})]
"""An amount in the catalog's currency, quantized to cents; on the wire a string such as "9.50"."""
PositiveMoney = Annotated[
    Decimal,
    BeforeValidator(_money),
    AfterValidator(_positive),
    WithJsonSchema({**_MONEY_SCHEMA, "pattern": POSITIVE_MONEY_PATTERN}),
]
"""An amount above 0.00."""
Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An aware datetime, always in UTC; on the wire RFC 3339 with an offset."""
Day = Annotated[date, BeforeValidator(_day), Field(description="A calendar day in the billing zone.")]
"""A calendar day in the billing zone; on the wire YYYY-MM-DD."""
Json = Annotated[Any, AfterValidator(_storable), Field(description=f"Any JSON, at most {MAX_DEPTH} levels deep.")]
"""Any JSON, kept as it is, at most 100 levels deep."""
Whole = Annotated[int, Strict()]
Count = Annotated[int, Strict(), Field(ge=0, le=1_000_000_000)]
Flag = Annotated[bool, Strict()]


class Edition(StrEnum):
    """What can be bought, from the smallest to the largest (the catalog's order)."""

    VALUE_ADDED = "value-added"
    ANTI_VIRUS = "anti-virus"
    ADVANCED = "advanced"
    ENTERPRISE = "enterprise"
    ULTIMATE = "ultimate"


class ProtectionMode(StrEnum):
    """Full: every registered server is protected. Partial: those with quota bound to them."""

    FULL = "full"
    PARTIAL = "partial"


class Feature(StrEnum):
    """Value-added features, in the catalog's units."""

    ANTI_RANSOMWARE_GB = "anti_ransomware_gb"
    LOG_STORAGE_GB = "log_storage_gb"
    WEB_TAMPER_PROOFING = "web_tamper_proofing"
    HONEYPOT = "honeypot"
    IMAGE_SCAN = "image_scan"
    CONFIGURATION_CHECK = "configuration_check"
    MALICIOUS_FILE_DETECTION = "malicious_file_detection"
    APPLICATION_PROTECTION = "application_protection"
    VULNERABILITY_FIX = "vulnerability_fix"


class ConfigurationKind(StrEnum):
    """What is retained in grace and deleted at release (R32, R35)."""

    ASSET_GROUP = "asset_group"
    TAG = "tag"
    QUARANTINED_FILE = "quarantined_file"
    VULNERABILITY_WHITELIST = "vulnerability_whitelist"
    BASELINE_CHECK_POLICY = "baseline_check_policy"


FeatureAmount = Annotated[int, Strict(), Field(ge=-(10**15), le=10**15)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a term buys (R7-R10)."""

    edition: Edition
    protection_mode: ProtectionMode
    protected_servers: Count
    cores: Count
    value_added: Mapping[Feature, FeatureAmount]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who is written to. Any text is accepted: what cannot be used is the notifier's to handle."""

    name: Annotated[str, StringConstraints(max_length=256)]
    email: Annotated[str, StringConstraints(min_length=1, max_length=320)]
    locale: Annotated[str, StringConstraints(max_length=35)] = "en"
    time_zone: Annotated[str, StringConstraints(max_length=64)] = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One paid period `[starts_at, ends_at)`; `expires_on` is E when it is the last one."""

    order_id: Id
    starts_at: Instant
    ends_at: Instant
    expires_on: Day
    months: Whole
    specification: Specification
