"""Gettext catalogs as they are read: what is refused, with file, line and key, and what later catalogs may override."""

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from notifier_service.content.catalogs import CATALOGS, load_languages, read_catalog
from notifier_service.content.languages import BadCatalog
from notifier_service.content.localizer import localizer_for
from notifier_service.inbox.shapes import InboxQuery
from notifier_service.pages.inbox_view import Addresses
from notifier_service.pages.layout import fragment
from tests.kit.cases import cases

HEADER = """\
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""
OWN = sorted(CATALOGS.glob("*.po"))


def entry(key: str, text: str) -> str:
    return f'msgid "{key}"\nmsgstr "{text}"\n'


def counted(key: str, *forms: str) -> str:
    return f'msgid "{key}"\nmsgid_plural "{key}"\n' + "".join(
        f'msgstr[{index}] "{form}"\n' for index, form in enumerate(forms)
    )


def catalog(folder: Path, body: str, *, name: str = "en.po", header: str = HEADER) -> Path:
    path = folder / name
    path.write_text(header + body, "utf-8")
    return path


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_our_catalogs_are_well_formed_for_gettext_and_for_babel(path: Path) -> None:
    read = read_po(BytesIO(path.read_bytes()), abort_invalid=True)
    assert [str(error) for _, errors in read.check() for error in errors] == []
    assert str(read.locale).replace("_", "-").endswith(path.stem.partition("-")[2])
    assert not [message.id for message in read if message.fuzzy]
    if msgfmt := shutil.which("msgfmt"):
        done = subprocess.run([msgfmt, "--check", "-o", "/dev/null", path], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_every_placeholder_has_a_note_for_translators_the_same_in_every_catalog() -> None:
    notes = [{message.id: message.auto_comments for message in read_po(BytesIO(path.read_bytes()))} for path in OWN]
    assert all(each == notes[0] for each in notes)
    for message in read_po(BytesIO((CATALOGS / "en.po").read_bytes())):
        if message.id:
            texts = [message.string] if isinstance(message.string, str) else message.string or ()
            names = set(re.findall(r"\{(\w+)\}", "".join(texts)))
            assert set(re.findall(r"^\{(\w+)\}: ", "\n".join(message.auto_comments), re.MULTILINE)) == names, message.id


@cases(
    ("body", "line", "told"),
    [
        ('msgid "button.inbox"\nmsgstr Open\n', 7, "expected a comment, or a keyword"),
        ('msgid "button.inbox"\nmsgstr "Open\n', 7, "expected a comment, or a keyword"),
        ('msgid "button.inbox"\nmsgtext "Open"\n', 7, "keyword"),
        ('msgid "button.inbox"\n\nmsgid "greeting"\nmsgstr "Hello {name},"\n', 6, "missing msgstr"),
        (counted("months", "{n} month", "{n} months", "{n} monthses"), 6, "num_plurals"),
        (counted("months", "{n} month"), 6, "months: a plural form is missing"),
        (
            entry("button.inbox", "Open") + entry("button.inbox", "Close"),
            8,
            "button.inbox: the key stands in line 6 already",
        ),
        (entry("button.inbox", "Open {"), 6, "button.inbox: the braces do not match"),
        (entry("button.inbox", "Open\\nit"), 6, "button.inbox: the text has a line break"),
        (f'msgctxt "mail"\n{entry("button.inbox", "Open")}', 7, "button.inbox: msgctxt is not used"),
        (entry("buton", "Open"), 6, "buton: there is no such sentence"),
        (entry("button.inbox", "Open {day}"), 6, "button.inbox: expected the placeholders []"),
        (entry("greeting", "Hello"), 6, "greeting: expected the placeholders ['name']"),
        (entry("greeting", "Hello {name!r}"), 6, "greeting: expected the placeholders ['name']"),
        (entry("greeting", "Hello {name.__class__}"), 6, "greeting: expected the placeholders ['name']"),
        (entry("greeting", "Hello {}"), 6, "greeting: expected the placeholders ['name']"),
        (counted("months", "{n:d} month", "{n} months"), 6, "months: expected the placeholders ['n']"),
        (entry("months", "{n} months"), 6, "months: expected plural forms"),
        (counted("button.inbox", "Open", "Opens"), 6, "button.inbox: expected one text without plural forms"),
    ],
)
def test_a_catalog_that_cannot_be_used_is_refused_with_its_line_and_sentence(
    tmp_path: Path, body: str, line: int, told: str
) -> None:
    path = catalog(tmp_path, body)
    with pytest.raises(BadCatalog) as refusal:
        load_languages(tmp_path)
    assert str(refusal.value).startswith(f"{path}:{line}: ")
    assert told in str(refusal.value)


@cases(
    "header",
    [
        HEADER.replace("nplurals=2", "nplurals=two"),
        HEADER.replace("nplurals=2", "nplurals=1"),
        HEADER.replace("n != 1", "n % 0"),
        HEADER.replace("n != 1", "__import__"),
        HEADER.replace("Content-Type", "PO-Revision-Date"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(tmp_path: Path, header: str) -> None:
    path = catalog(tmp_path, entry("button.inbox", "Open"), header=header)
    with pytest.raises(BadCatalog, match=re.escape(str(path))):
        read_catalog(path)


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "en.po"
    path.write_bytes(HEADER.encode() + 'msgid "button.inbox"\nmsgstr "Öffnen"\n'.encode("latin-1"))
    with pytest.raises(BadCatalog, match="not UTF-8"):
        read_catalog(path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    catalog(tmp_path, entry("buton", "Open") + entry("greeting", "Hello"))
    with pytest.raises(BadCatalog) as refusal:
        load_languages(tmp_path)
    assert len(str(refusal.value).splitlines()) == 2


def test_a_later_catalog_overrides_single_sentences_and_keeps_its_own_plural_forms(tmp_path: Path) -> None:
    header = HEADER.replace("n != 1", "n > 2")
    catalog(tmp_path, entry("button.inbox", "Look") + counted("months", "few months: {n}", "{n} months"), header=header)
    catalog(tmp_path, entry("button.inbox", "看"), name="zh_cn.po", header="")
    served = load_languages(tmp_path)
    english, chinese = (localizer_for(served, tag, "UTC") for tag in ("en", "zh-CN"))
    assert set(served.by_tag) == {"en", "zh-CN"}
    assert (english.text("button.inbox"), chinese.text("button.inbox")) == ("Look", "看")
    assert (english.months(2), english.months(3)) == ("few months: 2", "3 months")
    assert english.text("when.tomorrow") == "tomorrow"
    assert english.counted("when.days", 2) == "in 2 days"
    with pytest.raises(ValueError, match="has plural forms"):
        english.text("when.days", n="2")


def test_a_page_counts_in_the_plural_form_and_with_the_separators_of_its_language(tmp_path: Path) -> None:
    catalog(tmp_path, counted("inbox.unread", "only {n} unread", "as many as {n} unread"))
    who = localizer_for(load_languages(tmp_path), "en", "UTC")
    query = InboxQuery()
    shown = {"query": query, "addresses": Addresses("", query), "heading": "h1", "messages": [], "kinds": []}
    shown |= {"subscription": None, "older": None, "zone": None}
    few, many = (fragment("inbox_content.html", who, {**shown, "unread": number}) for number in (1, 1234))
    assert "only 1 unread" in few
    assert "as many as 1,234 unread" in many


def test_what_is_not_translated_yet_changes_nothing(tmp_path: Path) -> None:
    catalog(tmp_path, entry("button.inbox", "") + f"#, fuzzy\n{entry('when.tomorrow', 'soon')}")
    who = localizer_for(load_languages(tmp_path), "en", "UTC")
    assert (who.text("button.inbox"), who.text("when.tomorrow")) == ("Open your inbox", "tomorrow")


def test_a_language_is_added_by_a_complete_catalog(tmp_path: Path) -> None:
    text = (CATALOGS / "en.po").read_text("utf-8")
    (tmp_path / "de.po").write_text(text.replace('"tomorrow"', '"morgen"'), "utf-8")
    assert localizer_for(load_languages(tmp_path), "de", "UTC").when(1) == "morgen"


def test_a_language_with_a_sentence_missing_is_refused(tmp_path: Path) -> None:
    text = (CATALOGS / "en.po").read_text("utf-8")
    (tmp_path / "de.po").write_text(text.replace('msgstr "tomorrow"', 'msgstr ""'), "utf-8")
    with pytest.raises(BadCatalog, match=r"^de\.po: when\.tomorrow: the sentence is missing$"):
        load_languages(tmp_path)


def test_a_language_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    shutil.copy(CATALOGS / "en.po", tmp_path / "nowhere.po")
    with pytest.raises(BadCatalog, match=r"nowhere\.po: not a known language"):
        load_languages(tmp_path)
