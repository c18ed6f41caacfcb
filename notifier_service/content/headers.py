"""How the headers of a mail are written: as the standard library does, but for three things.

- Identifiers are one line each; the library would fold or encode long ones.
- A subject is folded by `email.header.Header`; the library's newer code begins a long one on the second line, or loses
  a blank between encoded words.
- The class for a header name is made once; the library makes it for each header of each mail, which takes a quarter of
  the time that building a mail takes.
"""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import cache
from typing import Final

IDENTIFIERS: Final = (
    *("message-id", "x-tenure-notification", "x-tenure-event", "x-tenure-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
)


class Identifier(UnstructuredHeader, BaseHeader):
    """A header whose value is compared by programs: one line as it is, however long."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class Subject(UnstructuredHeader, BaseHeader):
    """A subject that a receiving program decodes to the same text."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        text = Header(str(self), header_name=self.name, maxlinelen=policy.max_line_length).encode(
            linesep=policy.linesep
        )
        return f"{self.name}: {text.lstrip()}{policy.linesep}"


class Registry(HeaderRegistry):
    """Header name -> class, each made once."""

    def __init__(self) -> None:
        super().__init__()
        self._classes: dict[str, type[BaseHeader]] = {}

    def __getitem__(self, name: str) -> type[BaseHeader]:
        if name not in self._classes:
            self._classes[name] = super().__getitem__(name)
        return self._classes[name]


@cache
def policy() -> "EmailPolicy[EmailMessage]":
    """For building mails: CRLF, ASCII bodies (not every mail relay takes 8BITMIME), line breaks in values refused."""
    registry = Registry()
    for name in IDENTIFIERS:
        registry.map_to_type(name, Identifier)
    registry.map_to_type("subject", Subject)
    return SMTP.clone(header_factory=registry, cte_type="7bit")
