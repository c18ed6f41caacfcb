"""How the headers of a mail are stored and written: as the standard library does, in three points otherwise.

Identifiers stay whole on one line, where it would fold or encode long ones; a subject begins beside its name, where
it would begin on the next line; and the class of a header is made once, where it would make one for every header of
every mail (a quarter of the time of a mail).
"""

from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import cache
from typing import Final

IDENTIFIERS: Final = ("message-id", "x-tenure-notification", "x-tenure-event", "x-tenure-type")


class Identifier(UnstructuredHeader, BaseHeader):
    """A header that machines compare: one line as it is, however long."""

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class Subject(UniqueUnstructuredHeader, BaseHeader):
    """A subject that readers get back as it was written: some keep the blank of a first line that is empty."""

    def fold(self, *, policy: Policy) -> str:
        folded, empty = super().fold(policy=policy), f"{self.name}:{policy.linesep} "
        if not folded.startswith(empty):
            return folded
        name, text = f"{self.name}: ", folded.removeprefix(empty)
        space = text.rfind(" ", 1, (policy.max_line_length or len(text)) - len(name) + 1)
        return name + (text if space < 0 else f"{text[:space]}{policy.linesep}{text[space:]}")


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
