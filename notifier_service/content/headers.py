"""How the headers of a mail are written: as the standard library does, but for three things.

- Identifiers are one line each; the library would fold or encode long ones.
- A subject is folded by `email.header.Header`; the library's newer code begins a long one on the second line, or loses
  a blank between encoded words.
- What the library does for each header of each mail takes half of the time that building a mail takes. So the class for
  a name is made once, a header that mails have in common (`COMMON`) is parsed once, and a short one is not folded.
"""

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from functools import cache, lru_cache
from typing import Any, Final

COMMON: Final = frozenset(
    {"from", "date", "auto-submitted"}
    | {"mime-version", "content-type", "content-transfer-encoding", "content-disposition"}
)
"""Headers with few different values, or one for all mails of a second."""
_REMEMBERED: Final = 256
IDENTIFIERS: Final = (
    *("message-id", "x-tenure-notification", "x-tenure-event", "x-tenure-type"),
    *("list-unsubscribe", "list-unsubscribe-post"),
)


class ShortHeader(BaseHeader):
    """A header that is written as it reads where that is one short line of ASCII; the library would fold its parse tree
    to the same.
    """

    def fold(self, *, policy: Policy) -> str:
        """All its lines, with their ends."""
        return _one_line(self, policy) or super().fold(policy=policy)


class Identifier(UnstructuredHeader, BaseHeader):
    """A header whose value is compared by programs: one line as it is, however long."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        """As it is; there is nothing in it to understand."""
        kwds |= {"decoded": str(value), "parse_tree": None}

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class Subject(UnstructuredHeader, BaseHeader):
    """A subject that a receiving program decodes to the same text."""

    max_count = 1

    def fold(self, *, policy: Policy) -> str:
        if line := _one_line(self, policy):
            return line
        text = Header(str(self), header_name=self.name, maxlinelen=policy.max_line_length).encode(
            linesep=policy.linesep
        )
        return f"{self.name}: {text.lstrip()}{policy.linesep}"


class Registry(HeaderRegistry):
    """Header name -> class, each made once; and those headers that mails have in common."""

    def __init__(self) -> None:
        super().__init__(base_class=ShortHeader)
        self._classes: dict[str, type[BaseHeader]] = {}
        self._common = lru_cache(_REMEMBERED)(super().__call__)

    def __call__(self, name: str, value: Any) -> BaseHeader:
        make = self._common if name.lower() in COMMON else super().__call__
        return make(name, value)

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


def _one_line(header: BaseHeader, policy: Policy) -> str | None:
    """The header where it is one line without anything that would have to be encoded; else None."""
    line = f"{header.name}: {header}"
    fits = len(line) <= (policy.max_line_length or len(line))
    plain = line.isascii() and line.isprintable() and "=?" not in line
    return f"{line}{policy.linesep}" if fits and plain else None
