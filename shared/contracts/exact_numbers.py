"""Numbers that lose digits when they are read.

orjson reads a number with a fraction, an exponent or more than 64 bits as a double, and so may change it. Reading each
record exactly would cost several times as much. So it is read again, by `read_exactly`, only where a contract meets a
double (`InexactNumber`); what has lost digits is then a `LostDigits`, which no contract takes.
"""

import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

CHECKING_DOUBLES: Final = {"checking_doubles": True}
"""Context of a validation that must not take doubles of orjson: it raises `InexactNumber` at the first."""

_LEAST, _MOST = -(2**63), 2**64 - 1
_LONGEST: Final = 20
"""Characters of the longest integer of 64 bits."""


class InexactNumber(Exception):
    """A contract met a double; whether it has all digits of the text is not known."""


@dataclass(frozen=True, slots=True)
class LostDigits:
    """A number that a double cannot hold with all its digits."""

    text: str


def read_exactly(value: bytes) -> Any:
    """JSON that orjson has read before. Raises `RecursionError` where it is nested too deeply."""
    return json.loads(value, parse_float=_double, parse_int=_integer)


def _double(text: str) -> float | LostDigits:
    number = float(text)
    try:
        return number if Decimal(text) == Decimal(repr(number)) else LostDigits(text)
    except InvalidOperation:  # an exponent beyond those of `Decimal`
        return LostDigits(text)


def _integer(text: str) -> int | float | LostDigits:
    number = int(text) if len(text) <= _LONGEST else None
    return number if number is not None and _LEAST <= number <= _MOST else _double(text)
