"""In which language and zone a page speaks: the account's contact's, else what the browser asks for. Pure."""

from collections.abc import Iterator

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
    """The tag of the first language in `Accept-Language` that is there; `zh`, `zh-Hans` and `zh-TW` find `zh-CN`."""
    primary = {tag.partition("-")[0].casefold(): tag for tag in languages.by_tag}
    wanted = (tag.partition("-")[0].casefold() for tag in _by_preference(accept_language))
    return next((primary[tag] for tag in wanted if tag in primary), FALLBACK)


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
