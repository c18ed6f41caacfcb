"""Who a mail goes to: a contact's name and address made safe for a header, or refused. Pure.

Any text may stand in a contact (the contract takes it all), so this is where injection ends. Only plain
ASCII addresses are served: without SMTPUTF8 a non-ASCII local part cannot be delivered. A domain in other
scripts is sent in its ASCII form, where that leads back to the very same domain.
"""

import re
from email.headerregistry import Address
from typing import Final

from shared.contracts.types import Contact

NAME_LENGTH: Final = 64
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_LINK: Final = re.compile(r"://|@|\w{2,}\.\w{2,}")
_JOINERS: Final = "\u200c\u200d"


class UnusableAddress(ValueError):
    """No mail can ever reach this address; the message names what is wrong, never the address itself."""


def mailbox(contact: Contact) -> Address:
    """The recipient's name and address for the header `To`. Raises `UnusableAddress`."""
    local_part, at, domain = contact.email.rpartition("@")
    if not at:
        raise UnusableAddress("the address has no @")
    if len(local_part) > 64 or not _LOCAL_PART.fullmatch(local_part):
        raise UnusableAddress("the part before the @ cannot be delivered to")
    return Address(display_name=display_name(contact.name), username=local_part, domain=_ascii_domain(domain))


def display_name(name: str) -> str:
    """A name as it can be shown: one line of at most `NAME_LENGTH` characters; empty where it is a link."""
    short = one_line(name)[:NAME_LENGTH].rstrip()
    return "" if _LINK.search(short) else short


def one_line(text: str) -> str:
    """Text without line breaks, control characters and direction marks; each becomes a space."""
    shown = "".join(letter if letter.isprintable() or letter in _JOINERS else " " for letter in text)
    return " ".join(shown.split())


def _ascii_domain(domain: str) -> str:
    ascii_domain = domain if domain.isascii() else _punycode(domain)
    if len(ascii_domain) > 253 or not _DOMAIN.fullmatch(ascii_domain):
        raise UnusableAddress("the part behind the @ is no domain")
    return ascii_domain


def _punycode(domain: str) -> str:
    """Raises `UnusableAddress` also where the ASCII form would be another domain (`ß` is not `ss`)."""
    try:
        encoded = domain.encode("idna")
        if encoded.decode("idna") == domain.lower():
            return encoded.decode("ascii")
    except UnicodeError:
        pass
    raise UnusableAddress("the part behind the @ is no domain")
