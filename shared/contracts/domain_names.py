"""Domain names in the form that DNS and SMTP take. Pure."""

import re
from typing import Final

import idna

_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_JOINERS: Final = ("\u200c", "\u200d")


def ascii_domain(domain: str) -> str:
    """The domain as DNS has it: IDNA 2008 after the mapping of UTS 46. One in ASCII stays as it is, without a last dot.

    Raises `ValueError` for what is not a domain.
    """
    try:
        mapped = domain if domain.isascii() else idna.uts46_remap(domain, std3_rules=True)
        encoded = ".".join(_ascii_label(label) for label in mapped.removesuffix(".").split("."))
    except UnicodeError:
        raise ValueError("not a domain") from None
    if len(encoded) > 253 or not _DOMAIN.fullmatch(encoded):
        raise ValueError("not a domain")
    return encoded


def _ascii_label(label: str) -> str:
    """One label of a domain that is mapped already. Raises `UnicodeError`."""
    if label.isascii():
        return label
    try:
        return idna.alabel(label).decode("ascii")
    except idna.InvalidCodepoint:  # symbols: IDNA 2008 has none, but domains with emoji exist and take mail
        if any(joiner in label for joiner in _JOINERS):
            raise
        return f"xn--{label.encode('punycode').decode('ascii')}"
