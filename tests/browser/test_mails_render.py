"""Every mail as a browser shows it: in both languages, on a desk and on a phone, by day and by night.

Pictures go to the folder that `TENURE_PICTURES` names.
"""

import itertools
from dataclasses import replace
from email.message import EmailMessage
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from notifier_service.content.brand import Brand
from notifier_service.content.logo import logo
from notifier_service.previews.viewports import VIEWPORTS, Scheme, Viewport, page_of
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.types import Contact
from tests.browser import pictures
from tests.unit.notifier import samples, variants
from tests.unit.notifier.test_branded_mails import BRAND

LOGO = (
    "<svg width='480' height='72' xmlns='http://www.w3.org/2000/svg'><circle cx='28' cy='36' r='26' fill='#0b5fff'/>"
    "<text x='78' y='54' font-size='50' font-weight='700' font-family='sans-serif' fill='#0b2a6b'>Acme Guard</text>"
    "</svg>"
)
UNRENDERED = ("{{", "{%", "}}", "None", "Undefined", "{n}", "{day}")


@pytest.fixture(scope="module")
def brand(browser: Browser) -> Brand:
    """A logo as firms have them: dark letters on nothing."""
    page = browser.new_page(viewport={"width": 480, "height": 72})
    page.set_content(f"<body style='margin:0;font:700 54px/72px sans-serif;color:#0b2a6b'>{LOGO}</body>")
    logo_file = page.locator("svg").screenshot(omit_background=True)
    page.close()
    return replace(BRAND, product_name="Acme Cloud Guard", logo=logo(logo_file))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 360])
@pytest.mark.parametrize("language", samples.READERS)
def test_every_mail_fits_its_window_and_leaves_nothing_unsaid(
    browser: Browser, language: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for name, data in variants.mailed():
        mail = samples.mail(data, samples.READERS[language])
        page.set_content(html_of(mail))
        assert_well_rendered(page, width)
        pictures.take(page, f"{name}.{language}.{width}.{scheme}")
    page.close()


@pytest.mark.parametrize("viewport", VIEWPORTS, ids=lambda viewport: viewport.name)
def test_a_mail_in_a_brand_shows_its_logo_colour_and_button(browser: Browser, brand: Brand, viewport: Viewport) -> None:
    page = browser.new_page(viewport={"width": viewport.width, "height": 800}, color_scheme="light")
    accent = brand.dark_accent if viewport.scheme is Scheme.DARK else brand.accent
    told: tuple[LifecycleData, ...] = (samples.short, samples.expired, samples.renewed)
    for language, data in itertools.product(samples.READERS, told):
        mail = samples.mail(data, samples.READERS[language], brand=brand)
        page.set_content(page_of(mail, viewport.scheme))
        assert_well_rendered(page, viewport.width)
        assert page.evaluate("document.querySelector('img.logo').naturalWidth") > 0
        assert page.evaluate("getComputedStyle(document.querySelector('.button td')).backgroundColor") == rgb(accent)
        assert page.locator(".button a").count() == 1
        kind = mail["X-Tenure-Type"]
        pictures.take(page, f"brand-{kind}.{language}.{viewport.width}.{viewport.scheme}")
    page.close()


def rgb(colour: str | None) -> str:
    assert colour is not None
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_a_name_and_an_account_without_a_space_do_not_push_a_mail_out_of_a_phone(browser: Browser) -> None:
    long_name = Contact(name="W" * 256, email="w@example.com", locale="en", time_zone="UTC")
    mail = samples.mail(samples.activated, long_name, id="e" * 128)
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.set_content(html_of(mail))
    assert_well_rendered(page, 360)
    page.close()


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def assert_well_rendered(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    text = page.inner_text("body")
    assert not [mark for mark in UNRENDERED if mark in text]
    assert page.locator("h1").count() == 1
