"""The content of one message in the reader's language; `render` lays it out as a mail or as an internal message.

Each fact stands in one place: numbers in the highlight or in the details, and none of them again in lead or advice.
"""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from notifier_service.content.brand import Page
from notifier_service.content.localizer import Localizer

Row: TypeAlias = tuple[str, str | None]
"""The key of a label (`order` for the sentence `label.order`) and its value; None leaves the row out."""


class Severity(StrEnum):
    """How much a message matters; the layout takes its colours and one heading from it."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


class Detail(Struct, frozen=True):
    """One row of the table of details."""

    label: str
    value: str


class Highlight(Struct, frozen=True):
    """The one number or date in large type, its label above, and below it a note, such as the time of the day."""

    label: str
    value: str
    note: str = ""

    @property
    def detail(self) -> Detail:
        """The same as a row, where nothing can be larger than anything else."""
        return Detail(self.label, f"{self.value} {self.note}".rstrip())


class ObstacleList(Struct, frozen=True):
    """Why a renewal would be refused now: a title, a sentence per reason, and what helps against them."""

    title: str
    sentences: tuple[str, ...]
    remedy: str | None


class MailContent(Struct, frozen=True, kw_only=True):
    """Plain text. `badge` is a word or two; `lead` (what happened) and `advice` (what to do) are paragraphs.

    `page`: where the reader acts; None where there is nothing to do but to read.
    """

    severity: Severity
    badge: str
    subject: str
    title: str
    lead: tuple[str, ...]
    highlight: Highlight | None = None
    details: tuple[Detail, ...] = ()
    obstacles: ObstacleList | None = None
    advice: tuple[str, ...] = ()
    page: Page | None = None


def details(localizer: Localizer, *rows: Row) -> tuple[Detail, ...]:
    """Details from rows; one without a value is left out."""
    return tuple(Detail(localizer.text(f"label.{label}"), value) for label, value in rows if value is not None)


def paragraphs(*texts: str | None) -> tuple[str, ...]:
    """Those texts that are given."""
    return tuple(text for text in texts if text)
