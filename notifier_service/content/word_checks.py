"""Whether the sentences of an operator fit: every kind and variant is rendered in every language. Pure.

`catalogs` and `languages` have held each sentence to its placeholders and plural forms before. Here they are put
together as their readers will see them.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from notifier_service.content.brand import Brand
from notifier_service.content.languages import BadCatalog, Language, Languages, Sentence
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import Links, MailMetadata, inbox_message, mail_texts
from notifier_service.content.samples.mails import SAMPLE_DATE, SAMPLE_REFERENCE, reader, samples

SUBJECT_CHARACTERS: Final = 150
"""A subject with its numbers and dates; mail programs show less than half of it."""
SENTENCE_CHARACTERS: Final = 1_000
CHARACTERS: Final = {"badge": 32, "button": 40, "label": 60, "title": 100}
"""Sentences whose place is small, by a word of their key."""
_LINKS: Final = Links(inbox_url="https://example.com/inbox", preferences_url="https://example.com/preferences")


def check_words(languages: Languages, brand: Brand) -> None:
    """Raises `BadCatalog` with the line and key of each sentence that does not fit."""
    problems = [problem for each in languages.by_tag.values() for problem in _problems(each, languages, brand)]
    if problems:
        raise BadCatalog("\n".join(dict.fromkeys(problems)))


def _problems(language: Language, languages: Languages, brand: Brand) -> Iterator[str]:
    for key, sentence in language.sentences.items():
        longest, limit = max(map(len, sentence.forms)), _limit(key)
        if longest > limit:
            yield f"{sentence.place}: {key}: {longest} characters, but there is room for {limit}"
    yield from _long_subjects(language, languages, brand)


def _limit(key: str) -> int:
    return next((CHARACTERS[word] for word in key.split(".") if word in CHARACTERS), SENTENCE_CHARACTERS)


def _long_subjects(language: Language, languages: Languages, brand: Brand) -> Iterator[str]:
    """Every sample rendered in full; of a subject that is too long, the sentence that it was made from."""
    contact = reader(language.tag)
    known = localizer_for(languages, contact.locale, contact.time_zone)
    for sample in samples():
        used = _UsedSentences(language.sentences)
        localizer = replace(known, language=replace(language, sentences=used))
        inbox_message(sample.event, localizer, brand)
        subject = mail_texts(sample.event, localizer, name=contact.name, metadata=_metadata(brand)).subject
        if sample.is_mailed and len(subject) > SUBJECT_CHARACTERS:
            key = next(key for key in used.keys_used if "subject" in key.split("."))
            where = f"{language.sentences[key].place}: {key}"
            yield f"{where}: the subject of {sample.name} has {len(subject)} characters: {SUBJECT_CHARACTERS} at most"


def _metadata(brand: Brand) -> MailMetadata:
    return MailMetadata(
        links=_LINKS,
        brand=brand,
        notification_id=SAMPLE_REFERENCE,
        mail_from="sample@example.com",
        mail_domain="example.com",
        date=SAMPLE_DATE,
    )


class _UsedSentences(dict[str, Sentence]):
    """Sentences that remember which of them were asked for."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.keys_used: list[str] = []

    def __getitem__(self, key: str) -> Sentence:
        self.keys_used.append(key)
        return super().__getitem__(key)
