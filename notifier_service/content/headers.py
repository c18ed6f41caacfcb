"""How the headers of a mail are written: as the standard library does, but for three things. Pure.

- What is one short line of ASCII is written as it is. The library would parse it and fold its parse tree to the same,
  which takes most of the time that building a mail takes; it is left with what has to be encoded or folded.
- Identifiers are one line each; the library would fold or encode long ones.
- A subject is folded by `email.header.Header`; the library's newer code begins a long one on the second line, or loses
  a blank between encoded words.

Each function gives all lines of a header, with their ends, and raises `ValueError` for a line break in the value.
"""

import re
from base64 import b64encode
from email.header import Header
from email.headerregistry import Address
from email.policy import SMTP
from functools import lru_cache
from typing import Final, NamedTuple

_LINE_CHARACTERS: Final = 78
_ENCODED_CHARACTERS: Final = 75
"""Of one encoded word (RFC 2047, 2)."""
_POLICY: Final = SMTP.clone(cte_type="7bit")
_ANOTHER_SCRIPT: Final = re.compile("[\u0800-\uffff]+")
"""Letters of three bytes each in UTF-8, as the Chinese ones are: in base64 they are shorter than quoted."""


class Sender(NamedTuple):
    """Whom mails come from: the header, and the address in it."""

    header: str
    address: Address


def header(name: str, value: str | Address) -> str:
    """A header as the standard library writes it."""
    return _one_line(name, str(value)) or _by_library(name, value)


def identifier(name: str, value: str) -> str:
    """A header whose value is compared by programs: one line as it is, however long."""
    if not (value.isascii() and value.isprintable()):
        raise ValueError(f"{name}: expected one line of printable ASCII")
    return f"{name}: {value}\r\n"


def subject(text: str) -> str:
    """A subject that a receiving program decodes to the same text."""
    if line := _one_line("Subject", text):
        return line
    _refuse_line_break(text)
    folded = Header(text, header_name="Subject", maxlinelen=_LINE_CHARACTERS).encode(linesep="\r\n")
    return f"Subject: {folded.lstrip()}\r\n"


def recipient(to: Address) -> str:
    """To whom a mail goes; a name in another script is one encoded word, where that fits."""
    if _ANOTHER_SCRIPT.fullmatch(to.display_name):
        word = f"=?utf-8?b?{b64encode(to.display_name.encode()).decode()}?="
        if len(word) <= _ENCODED_CHARACTERS and (line := _line("To", f"{word} <{to.addr_spec}>")):
            return line
    return header("To", to)


@lru_cache(maxsize=8)
def sender(mailbox: str) -> Sender:
    """Whom mails come from, of a mailbox such as `A <a@b.example>`; the same in all mails."""
    made = _POLICY.header_factory("From", mailbox)
    return Sender(header("From", mailbox), made.addresses[0])


def _one_line(name: str, value: str) -> str | None:
    """The header where it is one line without anything that would have to be encoded; else None."""
    plain = value.isascii() and value.isprintable() and "=?" not in value
    return _line(name, value) if plain else None


def _line(name: str, value: str) -> str | None:
    """The header where it fits into one line; else None."""
    line = f"{name}: {value}\r\n"
    return line if len(line) - len("\r\n") <= _LINE_CHARACTERS else None


def _by_library(name: str, value: str | Address) -> str:
    _refuse_line_break(str(value))
    folded: str = _POLICY.header_factory(name, value).fold(policy=_POLICY)
    return folded


def _refuse_line_break(value: str) -> None:
    if len(value.splitlines()) > 1:
        raise ValueError("a header is refused that has a linefeed or another line break in its value")
