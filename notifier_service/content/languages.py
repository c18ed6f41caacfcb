"""The languages in which messages are written, and the checks that hold them to the English one. Pure.

English is the reference: every language has all of its sentences, each with the same placeholders. `catalogs` reads the
sentences; `localizer` fills them in.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Final, TypeAlias

from babel import Locale, UnknownLocaleError

COUNT: Final = "n"
"""The placeholder for the number that selects the plural form."""
FALLBACK: Final = "en"
"""The language of readers whose own is not there, and the reference for all others."""
_TRIED_COUNTS: Final = range(1, 201)


class BadCatalog(ValueError):
    """What is wrong with the catalogs: one problem per line, each with its file, line and key."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One entry of a catalog: its text, or one text per plural form.

    `form_for` maps a number to the index of its form; None where the entry has no plural. `place` is `file:line`.
    """

    forms: tuple[str, ...]
    form_for: Callable[[int], int] | None
    place: str

    @property
    def text(self) -> str:
        """The only text there is. Raises `ValueError` where there are plural forms: which one needs a number."""
        if self.form_for:
            raise ValueError(f"{self.place}: has plural forms")
        return self.forms[0]

    def form(self, count: int) -> str:
        """The text for this number; without a plural, the only text there is."""
        return self.forms[self.form_for(count)] if self.form_for else self.forms[0]


Sentences: TypeAlias = Mapping[str, Sentence]
"""Key -> sentence."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Language:
    """`tag` is BCP 47 (`zh-CN`); `sentences` holds every key. Compared by identity, as a key of caches."""

    tag: str
    locale: Locale
    sentences: Sentences

    @property
    def direction(self) -> str:
        """`ltr`, or `rtl` of a language that is written from right to left, as HTML has it."""
        return str(self.locale.text_direction)


@dataclass(frozen=True, slots=True, eq=False)
class Languages:
    """All languages by tag. Compared by identity, so that it can be a key of a cache."""

    by_tag: Mapping[str, Language]

    def language_for(self, locale: str) -> Language:
        """The language for a contact's locale: `zh_cn` is `zh-CN`, what is not there is `en`."""
        wanted = _folded(locale.strip())
        found = (language for tag, language in self.by_tag.items() if _folded(tag) == wanted)
        return next(found, self.by_tag[FALLBACK])


def languages(catalogs: Sequence[tuple[str, Sentences]]) -> Languages:
    """Languages from catalogs, each a tag and its sentences; the first one of `en` is the reference.

    Several catalogs with one tag make one language: a later one overrides single sentences. Raises `BadCatalog`.
    """
    reference = next(sentences for tag, sentences in catalogs if tag == FALLBACK)
    problems = [problem for _, sentences in catalogs for problem in _differences(sentences, reference)]
    merged: dict[str, dict[str, Sentence]] = {}
    for tag, sentences in catalogs:
        known = next((other for other in merged if _folded(other) == _folded(tag)), tag)
        merged.setdefault(known, {}).update(sentences)
    problems += [problem for tag, sentences in merged.items() for problem in _missing(tag, sentences, reference)]
    if problems:
        raise BadCatalog("\n".join(problems))
    return Languages({tag: _language(tag, sentences) for tag, sentences in merged.items()})


def placeholders(text: str) -> list[str]:
    """Each placeholder as it is written, such as `day`; `n:d` and `n!r` with their format and conversion.

    Raises `ValueError` where braces do not match.
    """
    fields = ((name, form, conversion) for _, name, form, conversion in Formatter().parse(text) if name is not None)
    return [
        name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")
        for name, form, conversion in fields
    ]


def _differences(sentences: Sentences, reference: Sentences) -> Iterator[str]:
    """Where sentences do not fit the English ones of the same key."""
    for key, sentence in sentences.items():
        if key not in reference:
            yield f"{sentence.place}: {key}: there is no such sentence"
        elif (sentence.form_for is None) != (reference[key].form_for is None):
            expected = "one text without plural forms" if sentence.form_for else "plural forms"
            yield f"{sentence.place}: {key}: expected {expected}"
        elif not _same_placeholders(sentence, reference[key]):
            names = sorted(set(placeholders("".join(reference[key].forms))))
            yield f"{sentence.place}: {key}: expected the placeholders {names}"
        elif counts := _counts_untold(sentence):
            one, other = counts[:2]
            yield f"{sentence.place}: {key}: the form for {one} is that for {other} too, so it needs {{{COUNT}}}"


def _same_placeholders(sentence: Sentence, expected: Sentence) -> bool:
    """Whether all forms have the expected placeholders; single forms may do without the number ("one month")."""
    wanted = set(placeholders("".join(expected.forms)))
    found = [set(placeholders(form)) for form in sentence.forms]
    return set().union(*found) == wanted and all(names | {COUNT} == wanted | {COUNT} for names in found)


def _counts_untold(sentence: Sentence) -> Sequence[int]:
    """Several numbers for which one form stands that does not name the number; empty where there are none."""
    if sentence.form_for is None or not any(COUNT in placeholders(form) for form in sentence.forms):
        return ()
    for index, form in enumerate(sentence.forms):
        counts = [count for count in _TRIED_COUNTS if sentence.form_for(count) == index]
        if COUNT not in placeholders(form) and len(counts) > 1:
            return counts
    return ()


def _missing(tag: str, sentences: Sentences, reference: Sentences) -> Iterator[str]:
    return (f"{tag}.po: {key}: the sentence is missing" for key in reference if key not in sentences)


def _language(tag: str, sentences: Sentences) -> Language:
    try:
        return Language(tag=tag, locale=Locale.parse(tag, sep="-"), sentences=sentences)
    except (UnknownLocaleError, ValueError):
        raise BadCatalog(f"{tag}.po: not a known language; expected a tag such as 'de' or 'pt-BR'") from None


def _folded(tag: str) -> str:
    return tag.replace("_", "-").casefold()
