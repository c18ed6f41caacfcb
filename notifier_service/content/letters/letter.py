"""The content of one message, before it gets a shape."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from notifier_service.content.localizer import Localizer


class Tone(StrEnum):
    """How much it matters; the shape takes its colour from it."""

    GOOD = "good"
    CALM = "calm"
    WARNING = "warning"
    URGENT = "urgent"


@dataclass(frozen=True, slots=True)
class Figure:
    """The one number or date that is seen at a glance, and what it is."""

    value: str
    caption: str


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Hurdles:
    """What stands in the way, each in a sentence."""

    title: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MailContent:
    """`lead` says what happened, `advice` what can be done; each is a list of paragraphs."""

    tone: Tone
    badge: str
    subject: str
    title: str
    lead: tuple[str, ...]
    figure: Figure | None = None
    facts: tuple[Fact, ...] = ()
    hurdles: Hurdles | None = None
    advice: tuple[str, ...] = ()


def facts(localizer: Localizer, *pairs: tuple[str, str | None]) -> tuple[Fact, ...]:
    """Facts from pairs of a label's key (`order` for `label.order`) and a value; None is left out."""
    return tuple(Fact(localizer.say(f"label.{key}"), value) for key, value in pairs if value is not None)


def paragraphs(*texts: str | None) -> tuple[str, ...]:
    return tuple(_given(texts))


def _given(texts: Iterable[str | None]) -> Iterable[str]:
    return (text for text in texts if text)
