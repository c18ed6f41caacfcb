"""In which language and zone a page speaks: the account's contact's, else what the browser asks for. Pure."""

from collections.abc import Iterator
from itertools import chain

from notifier_service.content.languages import FALLBACK, Languages
from notifier_service.content.localizer import Localizer, localizer_for
from shared.contracts.types import Contact

_UNKNOWN_ZONE = "UTC"


def localizer_of(languages: Languages, contact: Contact | None, accept_language: str) -> Localizer:
    """For a reader whose contact is known, or who has only sent `Accept-Language`."""
    if contact is not None:
        return localizer_for(languages, contact.locale, contact.time_zone)
    return localizer_for(languages, accepted(languages, accept_language), _UNKNOWN_ZONE)


def accepted(languages: Languages, accept_language: str) -> str:
    """The tag of the first language in `Accept-Language` that is there; where a tag is not, one of the same language:
    `zh`, `zh-Hans` and `zh-TW` find `zh-CN`.
    """
    found = (_nearest(languages, wanted.casefold()) for wanted in _by_preference(accept_language))
    return next(filter(None, found), FALLBACK)


def _nearest(languages: Languages, wanted: str) -> str | None:
    exact = (tag for tag in languages.by_tag if tag.casefold() == wanted)
    same_language = (tag for tag in languages.by_tag if _primary(tag.casefold()) == _primary(wanted))
    return next(chain(exact, same_language), None)


def _primary(tag: str) -> str:
    return tag.partition("-")[0]


def _by_preference(header: str) -> Iterator[str]:
    """The tags, those that are wanted most first; one with `q=0` is not wanted at all (RFC 9110)."""
    parts = [each.partition(";") for each in header.split(",")]
    weighted = [(tag.strip(), _weight(parameters)) for tag, _, parameters in parts]
    yield from (tag for tag, weight in sorted(weighted, key=lambda each: -each[1]) if weight > 0)


def _weight(parameters: str) -> float:
    _, _, given = parameters.partition("q=")
    try:
        return float(given or 1)
    except ValueError:
        return 0.0
