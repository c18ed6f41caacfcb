"""An operator's own sentences: what they change, and what stops the start, with the sentence and its line."""

import re
from pathlib import Path

import pytest

from notifier_service.content.brand import Brand
from notifier_service.content.catalogs import CATALOGS
from notifier_service.content.localizer import localizer_for
from notifier_service.content.samples.mails import samples as product_samples
from notifier_service.content.word_checks import CHARACTERS, SENTENCE_CHARACTERS, SUBJECT_CHARACTERS, check_words
from notifier_service.content_files import load_content
from shared.runtime.settings import BadSettings, Settings
from tests.unit.notifier import samples
from tests.unit.notifier.test_catalogs import HEADER, catalog, counted, entry


def loaded(folder: Path) -> Settings:
    return Settings(words_dir=folder)


def refusal(folder: Path) -> str:
    with pytest.raises(BadSettings) as error:
        load_content(loaded(folder))
    return str(error.value)


def test_our_own_words_fit() -> None:
    check_words(samples.LANGUAGES, Brand(product_name="Acme Cloud Guard"))


def test_single_sentences_are_said_in_the_operators_words(tmp_path: Path) -> None:
    catalog(tmp_path, entry("button.renew", "Keep it running") + counted("months", "one month", "{n} months"))
    who = localizer_for(load_content(loaded(tmp_path)).languages, "en", "UTC")
    assert (who.text("button.renew"), who.months(1), who.months(3)) == ("Keep it running", "one month", "3 months")
    assert who.text("button.top_up") == "Add to your balance"


def test_a_language_is_added_and_spoken_to_its_readers(tmp_path: Path) -> None:
    german = (CATALOGS / "en.po").read_text("utf-8").replace('"Renew now"', '"Jetzt verlängern"')
    (tmp_path / "de.po").write_text(german, "utf-8")
    languages = load_content(loaded(tmp_path)).languages
    assert set(languages.by_tag) == {"de", "en", "zh-CN"}
    assert localizer_for(languages, "de", "UTC").text("button.renew") == "Jetzt verlängern"


def test_a_folder_without_a_catalog_stops_the_start(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        assert refusal(folder) == f"TENURE_WORDS_DIR: {folder} is not a folder with catalogs such as en.po"


def test_a_sentence_has_the_room_of_its_place(tmp_path: Path) -> None:
    rooms = {
        "expired.badge": CHARACTERS["badge"],
        "expired.title": CHARACTERS["title"],
        "button.renew": CHARACTERS["button"],
        "label.order": CHARACTERS["label"],
        "expired.lead": SENTENCE_CHARACTERS,
    }
    catalog(tmp_path, "".join(entry(key, "a" * room) for key, room in rooms.items()))
    load_content(loaded(tmp_path))
    path = catalog(tmp_path, "".join(entry(key, "a" * (room + 1)) for key, room in rooms.items()))
    assert set(refusal(tmp_path).splitlines()) == {
        f"{path}:{line}: {key}: {room + 1} characters, but there is room for {room}"
        for line, (key, room) in zip(range(6, 16, 2), rooms.items(), strict=True)
    }


def test_a_subject_is_measured_with_its_numbers_and_dates(tmp_path: Path) -> None:
    said = "{last_day}"
    rest = SUBJECT_CHARACTERS - len("December 8, 2026")
    catalog(tmp_path, entry("expired.kept.subject", "a" * rest + said))
    load_content(loaded(tmp_path))
    path = catalog(tmp_path, entry("expired.kept.subject", "a" * (rest + 1) + said))
    assert refusal(tmp_path) == (
        f"{path}:6: expired.kept.subject: the subject of expired has 151 characters: {SUBJECT_CHARACTERS} at most"
    )


def test_a_form_that_stands_for_several_numbers_names_them(tmp_path: Path) -> None:
    russian = HEADER.replace("nplurals=2; plural=(n != 1)", "nplurals=2; plural=(n%10 == 1 && n%100 != 11 ? 0 : 1)")
    path = catalog(tmp_path, counted("months", "one month", "{n} months"), header=russian)
    assert refusal(tmp_path) == f"{path}:6: months: the form for 1 is that for 21 too, so it needs {{n}}"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (entry("button.renew", "   "), "button.renew: the text is blank"),
        (entry("expired.kept.subject", "Renew!"), "expired.kept.subject: expected the placeholders ['last_day']"),
        (counted("months", "{n} month", ""), "months: a plural form is missing"),
    ],
)
def test_what_does_not_fit_is_told_with_file_line_and_key(tmp_path: Path, body: str, told: str) -> None:
    path = catalog(tmp_path, body)
    assert refusal(tmp_path) == f"{path}:6: {told}"


def test_every_problem_is_told_once(tmp_path: Path) -> None:
    catalog(tmp_path, entry("renewal_due.off.subject", "{when} {day} " + "a" * 200) + entry("label.order", "a" * 61))
    lines = refusal(tmp_path).splitlines()
    assert [re.sub(r"^.*?:\d+: ([a-z_.]+): .*", r"\1", line) for line in lines] == [
        "label.order",
        *["renewal_due.off.subject"] * sum(each.name in OFF for each in product_samples()),
    ]


OFF = ("renewal_due-off", "renewal_due-obstacles", "renewal_due-tomorrow", "renewal_due-today")
"""The samples whose subject is made from that sentence."""
