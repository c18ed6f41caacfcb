"""All words that a customer reads, one folder a language.

A third language: copy `en`, translate every phrase, add its line to `LANGUAGES`. A test holds all files
to the same keys and the same placeholders. A phrase is a `str.format` text, or one text for each plural
form of its `{n}` (the language's CLDR categories; `other` is required).
"""

from collections.abc import Mapping
from typing import Final

from notifier_service.content.words import en, zh_cn

Phrase = str | Mapping[str, str]

LANGUAGES: Final[Mapping[str, Mapping[str, Phrase]]] = {"en": en.WORDS, "zh-CN": zh_cn.WORDS}
"""Language tag -> its words."""
FALLBACK: Final = "en"


def language_for(locale: str) -> str:
    """The language in which a contact's locale is served: `zh_cn` is `zh-CN`, what is not known `en`."""
    asked = locale.strip().replace("_", "-").casefold()
    return next((tag for tag in LANGUAGES if tag.casefold() == asked), FALLBACK)
