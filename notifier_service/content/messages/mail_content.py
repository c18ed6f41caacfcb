"""The content of one message in the reader's language; `render` lays it out as a mail or as an internal message."""

from dataclasses import dataclass
from enum import StrEnum

from notifier_service.content.localizer import Localizer


class Severity(StrEnum):
    """How much a message matters; the layout takes its colours and one heading from it."""

    SUCCESS = "success"
    INFO = "info"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Highlight:
    """The one number or date in large type, and a caption that says what it is."""

    value: str
    caption: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One row of the table of details."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ObstacleList:
    """Why a renewal would be refused now: a title, and a sentence per reason."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """Plain text. `badge` is a word or two; `lead` (what happened) and `advice` (what to do) are paragraphs."""

    severity: Severity
    badge: str
    subject: str
    title: str
    lead: tuple[str, ...]
    highlight: Highlight | None = None
    details: tuple[Detail, ...] = ()
    obstacles: ObstacleList | None = None
    advice: tuple[str, ...] = ()


def details(localizer: Localizer, *rows: tuple[str, str | None]) -> tuple[Detail, ...]:
    """Details from pairs of a label (`order` for the sentence `label.order`) and a value; None leaves its row out."""
    return tuple(Detail(localizer.text(f"label.{label}"), value) for label, value in rows if value is not None)


def paragraphs(*texts: str | None) -> tuple[str, ...]:
    """Those texts that are given."""
    return tuple(text for text in texts if text)
