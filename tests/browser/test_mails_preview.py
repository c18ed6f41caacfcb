"""`/mails` in a browser: opened by an operator's token, it shows every mail in frames that can do nothing."""

import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser import pictures
from tests.kit.ports import free_port
from tests.unit.notifier.test_preview_pages import CUSTOMER, OPERATOR, service


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The page, served without a database."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = uvicorn.Server(uvicorn.Config(service(public_url=url), port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"{url}/mails"
    server.should_exit = True
    thread.join()


def test_an_operator_opens_the_page_and_sees_every_mail(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    told, asked = watched(page)
    page.goto(address)
    page.fill("#token", CUSTOMER)
    page.click("button")
    assert "operator" in page.inner_text("[role=alert]")
    pictures.take(page, "previews-login", whole=False)
    assert barriers(page) == []
    page.fill("#token", OPERATOR)
    page.click("button")
    assert page.inner_text("h1") == "Mails as they will look"
    assert page.url == address
    for scheme, background in (("light", "rgb(243, 244, 246)"), ("dark", "rgb(13, 17, 23)")):
        frame = page.frame_locator(f"#activated-off iframe[src*={scheme}]").first
        frame.locator(".button").wait_for()
        assert frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == background
        assert frame.locator("img.logo").evaluate("image => image.naturalWidth") == 40
    pictures.take(page, "previews", whole=False)
    assert barriers(page) == []
    page.click("nav >> text=zh-CN")
    page.frame_locator("#activated-off iframe >> nth=0").locator("text=您的订阅已开通").first.wait_for()
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 375, "height": 812})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    pictures.take(page, "previews-phone-dark", whole=False)
    assert barriers(page) == []
    assert [each for each in told if "401" not in each and "403" not in each] == []
    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {address.split("/")[2]}
    page.close()


def test_a_link_with_the_token_opens_the_page_and_the_token_leaves_the_address(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}?token={OPERATOR}")
    assert page.url == address
    assert page.evaluate("document.cookie") == ""
    page.close()


def barriers(page: Page) -> list[str]:
    """What axe finds on the page itself; nothing runs in the frames, so it cannot look into them."""
    found = Axe().run(page, options={"iframes": False}).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']][:3]}" for each in found]


def watched(page: Page) -> tuple[list[str], list[str]]:
    """What the browser complains about, such as a violated policy, and what it asks for."""
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    return told, asked
