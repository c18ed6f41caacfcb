"""A contact's address as a relay takes it, or why no mail can reach it. Pure.

A contact may hold any text (the contract takes it all), so injection into headers is stopped here. The local part
(before the `@`) has to be ASCII: without SMTPUTF8 no other can be delivered. A domain in another script is sent in its
ASCII form.
"""

import re
from email.headerregistry import Address
from typing import Final

from notifier_service.content.names import display_name, one_line
from shared.contracts.domain_names import ascii_domain
from shared.contracts.types import Contact

_ATEXT: Final = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_UNQUOTED: Final = re.compile(rf"[{_ATEXT}]+(\.[{_ATEXT}]+)*")
"""RFC 5321's dot-string."""
_LOCAL_PART: Final = re.compile(rf"[.{_ATEXT}]+")
"""In quotes RFC 5321 has blanks, commas and a second `@` too, but some relays take such addresses for others."""
_QUOTED: Final = re.compile('"(.*)"')


class UnusableAddress(ValueError):
    """No mail can ever reach this address; the message names what is wrong, never the address itself."""


class Mailbox(Address):
    """A recipient's name and address; quotes a local part such as `abc..def.`, which some phone companies give out."""

    @property
    def addr_spec(self) -> str:
        """The address alone, in its form for SMTP and headers."""
        return super().addr_spec if _UNQUOTED.fullmatch(self.username) else f'"{self.username}"@{self.domain}'


def mailbox(contact: Contact) -> Mailbox:
    """The recipient of the contact's mails, for the header `To`. Raises `UnusableAddress`."""
    local_part, domain = parts_of(contact.email)
    return Mailbox(display_name=display_name(contact.name), username=local_part, domain=domain)


def parts_of(email: str) -> tuple[str, str]:
    """What stands before and after the `@`, as a relay takes it. Raises `UnusableAddress`."""
    local_part, at, domain = one_line(email).rpartition("@")
    if not at:
        raise UnusableAddress("the address has no @")
    if quoted := _QUOTED.fullmatch(local_part):
        local_part = quoted[1]
    if len(local_part) > 64 or not _LOCAL_PART.fullmatch(local_part):
        raise UnusableAddress("the part before the @ cannot be delivered to")
    try:
        return local_part, ascii_domain(domain)
    except ValueError:
        raise UnusableAddress("the part after the @ is not a domain") from None
