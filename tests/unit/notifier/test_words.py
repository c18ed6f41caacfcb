"""Both languages say the same things, all of them are said, and nothing said is missing."""

from collections.abc import Mapping
from string import Formatter

import pytest

from notifier_service.content.letters import WRITERS, write
from notifier_service.content.localizer import Localizer, localizer
from notifier_service.content.render import inbox_message, render
from notifier_service.content.words import LANGUAGES, Phrase, language_for
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, RejectionCode
from shared.contracts.types import ConfigurationKind, Contact, Edition, Feature, ProtectionMode
from tests.unit.notifier import samples

ENGLISH = LANGUAGES["en"]


def placeholders(phrase: Phrase) -> set[str]:
    texts = [phrase] if isinstance(phrase, str) else list(phrase.values())
    return {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_phrases_with_the_same_placeholders(language: str) -> None:
    words = LANGUAGES[language]
    assert set(words) == set(ENGLISH)
    assert {key: placeholders(words[key]) for key in words} == {key: placeholders(ENGLISH[key]) for key in ENGLISH}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_counted_phrase_has_the_plural_forms_of_its_language(language: str) -> None:
    who = localizer(language, "UTC")
    for phrase in who.words.values():
        if isinstance(phrase, Mapping):
            assert "other" in phrase
            assert set(phrase) <= {*who.locale.plural_form.rules, "other"}


def test_every_kind_of_event_has_its_writer() -> None:
    assert set(WRITERS) == set(LIFECYCLE_EVENTS.values())


def test_every_word_of_the_wire_is_known() -> None:
    needed = {f"edition.{edition}" for edition in (*Edition, "basic")}
    needed |= {f"mode.{mode}" for mode in ProtectionMode}
    needed |= {f"{family}.{feature}" for feature in Feature for family in ("feature", "feature_name")}
    needed |= {f"kept.{kind}" for kind in ConfigurationKind}
    needed |= {f"rejected.{code}" for code in RejectionCode}
    assert needed <= set(ENGLISH)


def test_no_phrase_lies_unused() -> None:
    said: set[str] = set()

    class Listener(dict[str, Phrase]):
        def __getitem__(self, key: str) -> Phrase:
            said.add(key)
            return super().__getitem__(key)

    who = localizer("en", "UTC")
    listener = Localizer(language="en", locale=who.locale, words=Listener(who.words), zone=who.zone, zone_known=True)
    for _, data in (*samples.mailed(), *samples.inbox_only()):
        write(data, listener)
    by_families = ("edition.", "mode.", "feature.", "feature_name.", "kept.", "request.", "rejected.", "range.")
    around = ("greeting", "advice.", "button", "footer.", "fact", "renewal_due.calendar.")
    assert {key for key in set(ENGLISH) - said if not key.startswith((*by_families, *around))} == set()


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("en", "en"),
        ("zh-CN", "zh-CN"),
        ("zh_cn", "zh-CN"),
        (" ZH-cn ", "zh-CN"),
        ("fr", "en"),
        ("", "en"),
        ("{}", "en"),
    ],
)
def test_a_locale_that_is_not_served_is_english(locale: str, language: str) -> None:
    assert language_for(locale) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_makes_an_internal_message(language: str) -> None:
    for _, data in (*samples.mailed(), *samples.inbox_only()):
        message = inbox_message(samples.event(data), language, "Asia/Shanghai", "/inbox")
        assert message.title
        assert message.body
        assert "{" not in message.title + message.body
        assert "None" not in message.body


def test_a_brace_in_a_name_is_only_a_brace() -> None:
    contact = Contact(name="{n} {{7*7}}", email="ada@example.com")
    body = render("expired", samples.event(samples.expired), contact, **samples.postmark()).get_body(("plain",))
    assert body is not None
    assert "Hello {n} {{7*7}}," in body.get_content()
