"""Checks of the settings that end in a mail, so that a relay never sees what it must refuse. Pure.

Each function returns the value as mails need it, and raises `ValueError` with what was expected.
"""

import re
from email.headerregistry import Address
from ipaddress import ip_address
from typing import Final

from shared.contracts.domain_names import ascii_domain

_MAILBOX: Final = re.compile(r"([^<>]*)<([^<>]+)>|([^<>]+)")
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BOUNCE_DOMAIN_CHARACTERS: Final = 193
_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9_])?")


def mailbox(text: str) -> str:
    """`Name <address>` or an address, with the name in quotes where it needs them and the domain in ASCII."""
    match = _MAILBOX.fullmatch(text.strip())
    if not match or not text.isprintable():
        raise ValueError("expected one mailbox, such as 'Cloud Guard <renewals@example.com>'")
    local_part, _, domain = (match[2] or match[3]).strip().rpartition("@")
    if len(local_part) > 64 or not _LOCAL_PART.fullmatch(local_part):
        raise ValueError("expected an address such as renewals@example.com, in ASCII before the @")
    return str(Address(_unquoted((match[1] or "").strip()), local_part, mail_domain(domain)))


def mail_domain(domain: str) -> str:
    """A domain in ASCII: one in another script in its form for DNS (IDNA 2008)."""
    try:
        return ascii_domain(domain)
    except ValueError:
        raise ValueError("expected a domain such as example.com") from None


def bounce_domain(domain: str) -> str:
    """The same for addresses of bounces, which have 60 characters before the @ and 254 in all (RFC 5321)."""
    ascii_form = mail_domain(domain)
    if len(ascii_form) > _BOUNCE_DOMAIN_CHARACTERS:
        raise ValueError(f"expected a domain of at most {_BOUNCE_DOMAIN_CHARACTERS} characters")
    return ascii_form


def host(name: str) -> str:
    """A host to connect to: its name (of a container too, with `_`) or its IP address."""
    try:
        return str(ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        if _HOST.fullmatch(name):
            return name
    try:
        return ascii_domain(name)
    except ValueError:
        raise ValueError("expected a host such as mail.example.com, or an IP address") from None


def _unquoted(name: str) -> str:
    quoted = _QUOTED.fullmatch(name)
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else name
