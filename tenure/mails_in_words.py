"""Brand and words of the mails in words, as `tenure check` says them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from notifier_service.content.brand import Brand, Page
from notifier_service.content.languages import Language
from notifier_service.content_files import LoadedContent
from shared.runtime.settings import Settings
from tenure.rules_in_words import Line

_PAGES = {Page.RENEW: "renew", Page.TOP_UP: "add to the balance", Page.MANAGE: "manage"}


@dataclass(frozen=True, slots=True)
class MailsInWords:
    """What stands in the brand file, and in the folder of words."""

    brand: Sequence[Line]
    words: Sequence[Line]

    @classmethod
    def of(cls, content: LoadedContent, settings: Settings) -> "MailsInWords":
        """Both, one line for each key and each language."""
        return cls(list(_brand(content.brand)), list(_words(content, settings)))


def _brand(brand: Brand) -> Iterator[Line]:
    """One line for each key of the brand file."""
    yield "product_name", brand.product_name or "none: mails name nobody"
    yield "logo_file", _logo(brand)
    yield "accent_color", f"{brand.accent}, by night {brand.dark_accent}" if brand.accent else "as urgent as each mail"
    yield "postal_address", brand.postal_address or "none"
    yield "support_address", brand.support_address or "none"
    for page, doing in _PAGES.items():
        there = brand.pages.get(page)
        yield f"{page}_url", f"who has to {doing} is led to {there}" if there else "none: the inbox is opened instead"


def _words(content: LoadedContent, settings: Settings) -> Iterator[Line]:
    """One line for each language: whether it is of the operator, and how many of its sentences are."""
    for tag, language in content.languages.by_tag.items():
        own = _sentences_of_yours(language, settings)
        whole = own == len(language.sentences)
        yield tag, "a language of yours" if whole else _counted(own) if own else "our sentences"


def _logo(brand: Brand) -> str:
    if brand.logo is None:
        return "none: the name is written"
    logo = brand.logo
    size = f"{logo.width} by {logo.height} pixels"
    return f"a picture in {logo.subtype.upper()} of {len(logo.content):,} bytes in each mail, drawn {size} large"


def _sentences_of_yours(language: Language, settings: Settings) -> int:
    if settings.words_dir is None:
        return 0
    return sum(each.place.startswith(f"{settings.words_dir}/") for each in language.sentences.values())


def _counted(own: int) -> str:
    return f"{own} sentence{'' if own == 1 else 's'} of yours"
