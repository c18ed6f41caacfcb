"""The policy file: days, hours and limits of the rules.

Raises `ValueError` where a value is wrong; the sentence names file and key.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from shared.contracts.types import Edition
from shared.runtime.toml_file import read_toml
from subscription_service.domain.policy import Policy, ReminderRow

DEFAULT = Path(__file__).with_name("policy.toml")

Hour = Annotated[int, Field(ge=0, le=23)]
"""A full hour of the billing zone's day."""


def _descending(days: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(days)) != len(days):
        raise ValueError("expected each day once")
    return tuple(sorted(days, reverse=True))


_Days = tuple[Annotated[int, Field(ge=0, le=365)], ...]

AnyDaysBefore = Annotated[_Days, AfterValidator(_descending)]
"""Days before another day, each once, in any order; none where it is empty. They are kept with the largest first."""

DaysBefore = Annotated[_Days, Field(min_length=1), AfterValidator(_descending)]
"""The same, before E, one at least."""


class ReminderRowFile(BaseModel):
    """A row of `[[reminders]]` (R51); `hour` is `reminder_hour` where it is left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_months: Annotated[int, Field(ge=1)] = 1
    editions: tuple[Edition, ...] = ()
    days: DaysBefore
    hour: Hour | None = None


class PolicyFile(BaseModel):
    """The whole file; a key that is not here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[str, Field(min_length=1)]
    billing_zone: str
    reminder_days: DaysBefore
    reminders: tuple[ReminderRowFile, ...] = ()
    charge_notice_days: AnyDaysBefore
    auto_renewal_attempt_days: DaysBefore
    # A renewal in grace starts at the old end: its term must outlast any grace, and the shortest month has 28 days.
    grace_days: Annotated[int, Field(ge=1, le=27)]
    deduction_hour: Hour
    reminder_hour: Hour
    charge_notice_hour: Hour
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

    def policy(self) -> Policy:
        """The same as the rules take it."""
        fields = self.model_dump(exclude={"billing_zone", "park_for_minutes", "reminders"})
        return Policy(
            billing_zone=ZoneInfo(self.billing_zone),
            park_for=timedelta(minutes=self.park_for_minutes),
            reminders=tuple(self._row(row) for row in self.reminders),
            **fields,
        )

    def _row(self, row: ReminderRowFile) -> ReminderRow:
        hour = self.reminder_hour if row.hour is None else row.hour
        return ReminderRow(min_months=row.min_months, editions=row.editions, days=row.days, hour=hour)


def load_policy(path: Path = DEFAULT) -> Policy:
    """Read a policy file; a key that it leaves out is as in the default file.

    Raises `ValueError`.
    """
    return read_toml(PolicyFile, path, defaults=DEFAULT).policy()
