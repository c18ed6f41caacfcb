"""Reads the policy file. `policy.toml` beside this module is the default; `TENURE_POLICY_FILE` names another.

Only `app` calls this, at the start. A wrong value is a `ValueError` whose sentence names file and field.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from subscription_service.domain.policy import Policy
from subscription_service.policy_files import data_files

DEFAULT = Path(__file__).with_name("policy.toml")

Hour = Annotated[int, Field(ge=0, le=23)]
DaysBefore = Annotated[tuple[Annotated[int, Field(ge=0, le=365)], ...], Field(min_length=1)]


class PolicyFile(BaseModel):
    """The file's shape; a name that is not here is a mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(min_length=1)]
    billing_zone: str
    reminder_days: DaysBefore
    auto_renewal_attempt_days: DaysBefore
    # A renewal in grace starts at the old end: its term must outlast any grace, and the shortest month has 28 days.
    grace_days: Annotated[int, Field(ge=1, le=27)]
    deduction_hour: Hour
    reminder_hour: Hour
    release_reminder_hour: Hour
    park_for_minutes: Annotated[int, Field(ge=0, le=7 * 24 * 60)]
    park_limit: Annotated[int, Field(ge=1, le=100_000)]
    park_limit_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000)]
    claim_retention_days: Annotated[int, Field(ge=35)]

    @field_validator("billing_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"expected a time zone such as Asia/Shanghai, not {name!r}") from None
        return name

    @field_validator("reminder_days", "auto_renewal_attempt_days")
    @classmethod
    def _descending(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if list(days) != sorted(set(days), reverse=True):
            raise ValueError("expected each day once, the earliest (largest) first")
        return days

    def policy(self) -> Policy:
        fields = self.model_dump(exclude={"billing_zone", "park_for_minutes"})
        return Policy(
            billing_zone=ZoneInfo(self.billing_zone), park_for=timedelta(minutes=self.park_for_minutes), **fields
        )


def load_policy(path: Path = DEFAULT) -> Policy:
    """The policy in force; what a file leaves out is as in ours. Raises `ValueError`, or `OSError` if unreadable."""
    return data_files.read(PolicyFile, path, over=DEFAULT).policy()
