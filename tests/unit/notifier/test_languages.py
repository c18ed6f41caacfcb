"""All languages say the same things, all of them are used, and nothing that is used is missing."""

from dataclasses import replace
from pathlib import Path

import pytest

from notifier_service.content.bounce_message import bounce_message
from notifier_service.content.brand import Brand
from notifier_service.content.catalogs import CATALOGS
from notifier_service.content.languages import FALLBACK, Sentence, placeholders
from notifier_service.content.messages import CONTENT_FUNCTIONS, mail_content
from notifier_service.content.render import inbox_message
from notifier_service.decisions.bounce import BounceKind
from notifier_service.decisions.channels import CHANNELS
from notifier_service.decisions.recipient import AddressOwner
from shared.contracts.lifecycle import LIFECYCLE_EVENTS, kind_of
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.types import ConfigurationKind, Contact, Edition, Feature, ProtectionMode
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

LANGUAGES = samples.LANGUAGES.by_tag
ENGLISH = LANGUAGES[FALLBACK].sentences
PAGES = Path(__file__).parents[3] / "notifier_service" / "pages"
OF_PAGES = ("page.", "inbox.", "kind.")


def names(sentence: Sentence) -> set[str]:
    return {name for form in sentence.forms for name in placeholders(form)}


def test_the_languages_of_the_contract_are_served() -> None:
    assert set(LANGUAGES) == {"en", "zh-CN"}
    assert {path.stem for path in CATALOGS.glob("*.po")} == set(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_sentences_with_the_same_placeholders(language: str) -> None:
    sentences = LANGUAGES[language].sentences
    assert set(sentences) == set(ENGLISH)
    assert {key: names(sentences[key]) for key in sentences} == {key: names(ENGLISH[key]) for key in ENGLISH}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_with_a_number_has_the_plural_forms_of_its_language(language: str) -> None:
    locale, sentences = LANGUAGES[language].locale, LANGUAGES[language].sentences
    counted = [sentence for sentence in sentences.values() if "n" in names(sentence)]
    assert counted == [sentence for sentence in sentences.values() if sentence.form_for]
    for sentence in counted:
        assert sentence.form_for is not None
        forms = {(locale.plural_form(count), sentence.form_for(count)) for count in range(201)}
        assert len(forms) == len(sentence.forms) == len({category for category, _ in forms})


def test_every_kind_of_event_that_is_told_has_its_content_function() -> None:
    assert set(CONTENT_FUNCTIONS) == {
        contract for name, contract in LIFECYCLE_EVENTS.items() if CHANNELS[kind_of(name)]
    }


def test_every_word_of_the_wire_has_a_sentence() -> None:
    needed = {f"edition.{edition}" for edition in (*Edition, "basic")}
    needed |= {f"mode.{mode}" for mode in ProtectionMode}
    needed |= {f"{family}.{feature}" for feature in Feature for family in ("feature", "feature_name")}
    needed |= {f"retained.{kind}" for kind in ConfigurationKind}
    needed |= {f"rejected.{code}" for code in RejectionCode}
    needed |= {f"kind.{kind}" for kind, channels in CHANNELS.items() if channels}
    assert needed <= set(ENGLISH)


def test_no_sentence_is_unused() -> None:
    used: set[str] = set()

    class Recorder(dict[str, Sentence]):
        def __getitem__(self, key: str) -> Sentence:
            used.add(key)
            return super().__getitem__(key)

    who = samples.localizer("en")
    recording = replace(who, language=replace(who.language, sentences=Recorder(ENGLISH)))
    for _, data in (*variants.mailed(), *variants.inbox_only(), *variants.older()):
        mail_content(data, recording)
    for kind in (BounceKind.HARD, BounceKind.COMPLAINT):
        for owner in AddressOwner:
            bounce_message(kind, "l…@example.com", recording, owner)
    by_families = ("edition.", "mode.", "feature.", "feature_name.", "retained.", "request.", "rejected.", "range.")
    around = ("greeting", "advice.", "button", "footer.", "detail", "calendar.", "label.account", "label.ends")
    assert {key for key in set(ENGLISH) - used if not key.startswith((*by_families, *around, *OF_PAGES))} == set()


def test_no_sentence_of_a_page_is_unused() -> None:
    sources = [path.read_text("utf-8") for path in PAGES.rglob("*") if path.suffix in (".py", ".html")]
    named = {key for key in ENGLISH if key.startswith(OF_PAGES) and not key.startswith("kind.")}
    assert {key for key in named if not any(f'"{key}"' in text for text in sources)} == set()


@cases(
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
    assert samples.LANGUAGES.language_for(locale).tag == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_makes_an_internal_message(language: str) -> None:
    who = samples.localizer(language, "Asia/Shanghai")
    for _, data in (*variants.mailed(), *variants.inbox_only()):
        message = inbox_message(samples.event(data), who, Brand())
        assert message.title
        assert message.body
        assert "{" not in message.title + message.body
        assert "None" not in message.body


def test_a_brace_in_a_name_is_only_a_brace() -> None:
    body = samples.mail(samples.expired, Contact(name="{n} {{7*7}}", email="ada@example.com")).get_body(("plain",))
    assert body is not None
    assert "Hello {n} {{7*7}}," in body.get_content()
