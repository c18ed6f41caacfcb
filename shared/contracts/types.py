"""The parts that several contracts share: specification, contact, term, and the enumerations.

Plain frozen dataclasses with their constraints as annotations; `envelope.py` checks them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from shared.contracts.fields import (
    EmailAddress,
    Locale,
    OrderId,
    PersonName,
    ProtectedServers,
    QuotaCores,
    RecipientId,
    StartsAt,
    TermEndsAt,
    TermExpiresOn,
    TermMonths,
    TimeZone,
    described,
)
from shared.contracts.scalars import SafeInteger


class Edition(StrEnum):
    """What can be bought, from the lowest to the highest (the order of the catalog)."""

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
    """A value-added feature; the catalog has its unit."""

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
    """Kind of a configuration entry: retained in grace, deleted at release (R32, R35)."""

    ASSET_GROUP = "asset_group"
    TAG = "tag"
    QUARANTINED_FILE = "quarantined_file"
    VULNERABILITY_WHITELIST = "vulnerability_whitelist"
    BASELINE_CHECK_POLICY = "baseline_check_policy"


ValueAdded = Annotated[
    Mapping[Feature, SafeInteger],
    described("Quantity of each value-added feature, in its unit of the catalog (R10).", {"log_storage_gb": 100}),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """What a term buys (R7-R10)."""

    edition: Edition
    protection_mode: ProtectionMode
    protected_servers: ProtectedServers
    cores: QuotaCores
    value_added: ValueAdded


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Who is written to. Any text is accepted; the notifier decides whether it can be used."""

    name: PersonName
    email: EmailAddress
    locale: Locale = "en"
    time_zone: TimeZone = "UTC"


Kinds = Annotated[
    tuple[str, ...] | None,
    described("Kinds of notification that it gets by email, such as `renewal_due`; null: all.", ["renewal_due"]),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FurtherRecipient(Contact):
    """Somebody else who gets an account's emails, in a language and a time zone of their own (R52)."""

    recipient_id: RecipientId
    kinds: Kinds = None

    def gets(self, kind: str) -> bool:
        """Whether emails of this kind go to it."""
        return self.kinds is None or kind in self.kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One paid period `[starts_at, ends_at)` with one specification."""

    order_id: OrderId
    starts_at: StartsAt
    ends_at: TermEndsAt
    expires_on: TermExpiresOn
    months: TermMonths
    specification: Specification
