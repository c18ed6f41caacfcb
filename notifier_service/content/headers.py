"""How the headers of a mail are stored and written: as the standard library does, in three points otherwise.

Identifiers stay whole on one line, where it would fold or encode long ones; a subject is folded by `Header`, where it
would begin on the next line or lose a blank between encoded words; and the class of a header is made once, where it
would make one for every header of every mail (a quarter of the time of a mail).
"""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import cache
from typing import Final

IDENTIFIERS: Final = ("message-id", "x-tenure-notification", "x-tenure-event", "x-tenure-type")


class Identifier(UnstructuredHeader, BaseHeader):
    """A header that machines compare: one line as it is, however long."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class Subject(UnstructuredHeader, BaseHeader):
    """A subject that readers get back as it was written."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        text = Header(str(self), header_name=self.name, maxlinelen=policy.max_line_length).encode(
            linesep=policy.linesep
        )
        return f"{self.name}: {text.lstrip()}{policy.linesep}"


class Registry(HeaderRegistry):
    """Header name -> class, kept."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._made:
            self._made[name] = super().__getitem__(name)
        return self._made[name]


@cache
def policy() -> "EmailPolicy[EmailMessage]":
    """For building mails: CRLF, ASCII bodies (not every relay takes 8BITMIME), line breaks in values refused."""
    registry = Registry()
    for name in IDENTIFIERS:
        registry.map_to_type(name, Identifier)
    registry.map_to_type("subject", Subject)
    return SMTP.clone(header_factory=registry, cte_type="7bit")
