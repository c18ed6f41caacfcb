"""Mails and pages in an added language that is written from right to left."""

import re
from dataclasses import replace

import pytest
from babel import Locale

from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import mail_texts
from notifier_service.pages.layout import assets, html_page
from tests.unit.notifier import samples, variants

ARABIC = replace(samples.LANGUAGES.by_tag["en"], tag="ar", locale=Locale("ar"))
LANGUAGES = Languages({**samples.LANGUAGES.by_tag, "ar": ARABIC})


@pytest.mark.parametrize(("locale", "direction", "side"), [("en", "ltr", "left"), ("ar", "rtl", "right")])
def test_a_mail_runs_in_the_direction_of_its_language(locale: str, direction: str, side: str) -> None:
    localizer = localizer_for(LANGUAGES, locale, "Asia/Riyadh")
    for _, data in variants.mailed():
        html = mail_texts(samples.event(data), localizer, name="Ada", metadata=samples.metadata()).html
        assert f'<html lang="{locale}" dir="{direction}">' in html
        assert set(re.findall(r'align="(left|right)"|text-align: (left|right)', html)) == {(side, ""), ("", side)}
        assert "padding:0 0 0 20px" not in html


def test_a_page_runs_in_the_direction_of_its_language() -> None:
    page = html_page("ended.html", localizer_for(LANGUAGES, "ar", "UTC"), {"hours": 24})
    assert '<html lang="ar" dir="rtl">' in bytes(page.body).decode()


@pytest.mark.parametrize("style", ["page.css", "inbox.css"])
def test_no_style_of_a_page_takes_a_side_but_where_the_count_stands_on_its_bell(style: str) -> None:
    bell = ".count { position: absolute; top: 0; left: 56%;"
    assert not re.search(r"\b(left|right)\b", assets(style).replace(bell, ""))
