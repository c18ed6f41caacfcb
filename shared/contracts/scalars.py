"""The formats of the wire: ids, texts, money, instants, calendar days, JSON, whole numbers.

Annotated types for the dataclasses of the contracts; `envelope.py` checks values against them. `fields.py` gives them
their meanings, field by field.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    Strict,
    StringConstraints,
    ValidationInfo,
)
from pydantic_core import CoreSchema

from shared.contracts.exact_numbers import InexactNumber, LostDigits

ID_PATTERN: Final = r"^[A-Za-z0-9._:-]{1,128}$"
MONEY_PATTERN: Final = r"^-?[0-9]{1,15}\.[0-9]{2}$"
AMOUNT_PATTERN: Final = r"^-?[0-9]{1,28}\.[0-9]{2}$"
UNSIGNED_MONEY_PATTERN: Final = r"^([0-9]{1,15}\.[0-9]{2}|-0{1,15}\.00)$"
POSITIVE_MONEY_PATTERN: Final = r"^(?!0+\.00$)[0-9]{1,15}\.[0-9]{2}$"
MAX_DEPTH: Final = 100
MAX_SAFE: Final = 2**53 - 1
_LONGEST_KEPT: Final = 40
"""Characters; a fraction may have any number of digits."""
_MONEY: Final = re.compile(MONEY_PATTERN)
_AMOUNT: Final = re.compile(AMOUNT_PATTERN)
_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-5][0-9])"
)


def read_instant(text: str) -> datetime:
    """RFC 3339 to UTC, cut to microseconds; a leap second is read as the second before it.

    Raises `ValueError` for everything else, also where the instant in UTC lies outside the years 2-9999: the year 1
    holds the zero value of some languages, which the database driver reads as minus infinity, and days that do not
    exist in every time zone.
    """
    return _kept_instant(text) if len(text) <= _LONGEST_KEPT else _read_instant(text)


def _read_instant(text: str) -> datetime:
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


# An event says the same instant several times, and events of one batch share many: ends of days, above all.
_kept_instant: Final = lru_cache(maxsize=4096)(_read_instant)


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


def _amount(value: Any) -> Decimal:
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise ValueError("expected a decimal string with two decimals and at most 30 digits")
    return Decimal(value)


def _unsigned(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("expected an amount of 0.00 or more")
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError("expected an amount above 0.00")
    return value


def _integral(value: Any, info: ValidationInfo) -> Any:
    """An integer may be written with a zero fraction or an exponent (`12.0`), as in JSON Schema."""
    if type(value) is not float:
        return value
    if info.context:
        raise InexactNumber
    return int(value) if value.is_integer() else value


def _storable(value: Any, info: ValidationInfo) -> Any:
    """JSON that other readers can still parse: at most `MAX_DEPTH` levels, numbers exact. Raises `ValueError`."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for item in level for child in _children(item, info)]
        if not level:
            return value
    raise ValueError(f"expected at most {MAX_DEPTH} levels")


def _children(value: Any, info: ValidationInfo) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, float) and info.context:
        raise InexactNumber
    if isinstance(value, LostDigits):
        raise ValueError(f"expected numbers with at most the digits of a double (15 to 17), not {value.text[:40]}")
    return value if isinstance(value, list) else ()


@dataclass(frozen=True, slots=True)
class _TextOf:
    """Describes a value as text of this pattern in JSON Schema, and keeps its description and examples."""

    pattern: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        kept = {key: value for key, value in handler(schema).items() if key in ("description", "examples")}
        return {**kept, "type": "string", "pattern": self.pattern}


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""1-128 characters of A-Z a-z 0-9 . _ : -"""
Text = Annotated[str, StringConstraints(max_length=2000)]
Money = Annotated[Decimal, BeforeValidator(_money), _TextOf(MONEY_PATTERN)]
"""Money of an event in, in the catalog's currency, with cents; on the wire a string such as "9.50"."""
Amount = Annotated[Decimal, BeforeValidator(_amount), _TextOf(AMOUNT_PATTERN)]
"""Money that a decision makes: exact up to 30 digits, since it is worked out from many amounts of up to 17."""
UnsignedMoney = Annotated[Decimal, BeforeValidator(_money), AfterValidator(_unsigned), _TextOf(UNSIGNED_MONEY_PATTERN)]
"""An amount of 0.00 or more."""
PositiveMoney = Annotated[Decimal, BeforeValidator(_money), AfterValidator(_positive), _TextOf(POSITIVE_MONEY_PATTERN)]
"""An amount above 0.00."""
Instant = Annotated[datetime, BeforeValidator(_instant)]
"""An aware datetime, always in UTC; on the wire RFC 3339 with an offset."""
Day = Annotated[date, BeforeValidator(_day)]
"""A calendar day in the billing zone; on the wire YYYY-MM-DD."""
Json = Annotated[Any, AfterValidator(_storable)]
"""Any JSON, kept as it is, at most `MAX_DEPTH` levels deep."""
INTEGRAL: Final = BeforeValidator(_integral)
Whole = Annotated[int, Strict(), INTEGRAL]
SafeInteger = Annotated[int, Strict(), Field(ge=-MAX_SAFE, le=MAX_SAFE), INTEGRAL]
"""An integer that every reader of JSON holds exactly (RFC 8259, section 6)."""
Count = Annotated[int, Strict(), Field(ge=0, le=1_000_000_000), INTEGRAL]
Quantity = Annotated[int, Strict(), Field(ge=0, le=MAX_SAFE), INTEGRAL]
"""What is ordered: of any number that every reader holds exactly it can be said what it would cost (R41)."""
Flag = Annotated[bool, Strict()]
