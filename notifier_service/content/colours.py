"""Colours, and how well a text in one can be read on another (WCAG 2.2, contrast ratio). Pure."""

import re
from typing import Final

WHITE: Final = "#ffffff"
DARK_CARD: Final = "#161b22"
"""The background of a mail by night, as `templates/mail.html` has it."""
READABLE: Final = 4.5
"""The contrast that text of ordinary size needs (WCAG 2.2, level AA)."""
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_STEPS: Final = 100


def colour(text: str) -> str:
    """A colour such as `#0b5fff`, in lower case. Raises `ValueError`."""
    if not _COLOUR.fullmatch(text.lower()):
        raise ValueError("expected a colour of six hexadecimal digits, such as '#0b5fff'")
    return text.lower()


def contrast(one: str, other: str) -> float:
    """From 1 (the same colour) to 21 (black on white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(wanted: str, *, background: str, towards: str) -> str:
    """The colour nearest to `wanted` that can be read on `background`, mixed with ever more of the colour `towards`."""
    mixed = (_mixed(wanted, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next((each for each in mixed if contrast(each, background) >= READABLE), towards)


def _mixed(one: str, other: str, share: float) -> str:
    channels = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)


def _luminance(of: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(of))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _channels(of: str) -> tuple[int, int, int]:
    return int(of[1:3], 16), int(of[3:5], 16), int(of[5:7], 16)
