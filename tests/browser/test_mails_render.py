"""Every mail as a browser shows it: in both languages, on a desk and on a phone, by day and by night.

Pictures go to the folder that `TENURE_PICTURES` names, else to the test's own folder.
"""

import os
import shutil
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from shared.contracts.types import Contact
from tests.unit.notifier import samples, variants

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
UNRENDERED = ("{{", "{%", "}}", "None", "Undefined", "{n}", "{day}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    named = os.environ.get("TENURE_PICTURES")
    folder = Path(named) if named else tmp_path_factory.mktemp("pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 360])
@pytest.mark.parametrize("language", samples.READERS)
def test_every_mail_fits_its_window_and_leaves_nothing_unsaid(
    browser: Browser, pictures: Path, language: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for name, data in variants.mailed():
        mail = samples.mail(data, samples.READERS[language])
        page.set_content(html_of(mail))
        assert_well_rendered(page, width)
        page.screenshot(path=pictures / f"{name}.{language}.{width}.{scheme}.png", full_page=True)
    page.close()


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
