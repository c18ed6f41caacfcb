"""The operations page in a browser: opened by its link, live, explained, and asking nothing of anybody else.

Pictures go to the folder that `TENURE_PICTURES` names.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, OUTCOMES, PURCHASES, RENEWALS, SERVER_INVENTORY, STATE
from shared.kafka.topics import ensure
from shared.runtime.settings import Settings
from tenure.local.kafka import Kafka
from tenure.local.service import Service
from tests.browser import pictures
from tests.browser.conftest import CHROMIUM, QUIET
from tests.kit.ops import publishing
from tests.kit.parts import finish
from tests.kit.ports import free_port
from tests.kit.settings import NOBODY, service_settings, unused_prefix
from tests.kit.tokens import SECRET, operator
from tests.unit.ops.records import lifecycle, outcome, state

TOPICS = (STATE, LIFECYCLE, OUTCOMES, DEAD_LETTERS, PURCHASES, RENEWALS, SERVER_INVENTORY)
ACCOUNTS = 140
TOKEN = operator()["Authorization"].removeprefix("Bearer ")
SEEN_VIOLATIONS = (
    "violations = []; addEventListener('securitypolicyviolation', (each) => violations.push(each.blockedURI));"
)


@pytest.fixture(scope="module")
def settings(kafka: Kafka) -> Settings:
    return service_settings(kafka, NOBODY.replace("http", "postgresql"), unused_prefix(), topic_partitions=2)


@pytest.fixture(scope="module")
def publish(settings: Settings) -> Callable[..., None]:
    def publish_all(*records: tuple[str, Any, str], headers: dict[str, str] | None = None) -> None:
        async def put() -> None:
            async with publishing(settings) as publisher:
                for topic, value, key in records:
                    await publisher.put(topic, value, key=key, headers=headers)

        with ThreadPoolExecutor(1) as aside:  # Playwright's event loop runs in this thread
            aside.submit(finish, put()).result()

    finish(_ensured(settings))
    return publish_all


async def _ensured(settings: Settings) -> None:
    await ensure(TOPICS, settings)


@pytest.fixture(scope="module")
def url(settings: Settings, publish: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page as a process of its own, on what a few accounts have left on the topics."""
    states = ["grace", *["active"] * 8, "released"]
    publish(
        *(
            (STATE, state(f"acct-{number:03}", state=states[number % 10], balance=f"{number}.00"), "key")
            for number in range(ACCOUNTS)
        )
    )
    publish(
        (LIFECYCLE, lifecycle("order_rejected", "acct-001"), "key"), (OUTCOMES, outcome("failed", "acct-001"), "key")
    )
    added = {"dead-letter-reason": "invalid_data", "dead-letter-detail": "data.cores: expected an integer"}
    publish((DEAD_LETTERS, {"subject": "acct-001", "data": {"cores": "many"}}, "key"), headers=added)
    page = Service(
        "ops", tmp_path_factory.mktemp("ops"), port=free_port(), command=[sys.executable, "-m", "tenure.ops"]
    )
    page.use_environment(
        {
            **{name: value for name, value in os.environ.items() if not name.startswith("TENURE_")},
            "TENURE_KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "TENURE_TOPIC_PREFIX": settings.topic_prefix,
            "TENURE_AUTH_SECRET": SECRET,
            "TENURE_TEST_CLOCK": "2026-03-20T00:00:00Z",
        }
    )
    finish(page.start())
    yield page.url
    finish(page.stop())


@pytest.fixture(scope="module")
def browser(url: str) -> Iterator[Browser]:
    """Started after the page, which is started and ended by event loops in this thread."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", *QUIET])
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.add_init_script(SEEN_VIOLATIONS)
    yield made
    made.close()


def opened(context: BrowserContext, url: str) -> Page:
    """The page, opened by a link as `make up` prints it, up to date and with its chart."""
    page = context.new_page()
    page.goto(f"{url}/ops?token={TOKEN}")
    expect(page.get_by_text("Up to date")).to_be_visible()
    expect(page.locator(".uplot")).to_be_visible()
    return page


def findings(page: Page) -> list[str]:
    """What axe finds on the page, each with its places."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in found]


def number(page: Page, label: str) -> str:
    return page.locator(".number", has_text=re.compile(rf"\d\s*{label}")).locator("b").inner_text()


def test_the_link_opens_it_leaves_the_address_bar_and_shows_what_the_topics_hold(
    context: BrowserContext, url: str, publish: Callable[..., None]
) -> None:
    asked, complaints = set[str](), list[str]()
    context.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    context.on("console", lambda message: complaints.append(message.text))
    page = opened(context, url)
    assert page.url == f"{url}/ops"
    [cookie] = context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Lax", "/ops")
    assert [number(page, label) for label in ("active", "grace", "released")] == ["112", "14", "14"]

    second = opened(context, url)
    publish((STATE, state("acct-000", 2, state="active"), "key"), (STATE, None, "acct-010"))
    for each in (page, second):  # live, in both tabs
        expect(each.locator(".number", has_text="grace").locator("b")).to_have_text("12")
        expect(each.locator(".number", has_text="active").locator("b")).to_have_text("113")

    page.get_by_role("link", name="grace").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Accounts 12")
    page.go_back()
    page.get_by_role("link", name="active").first.click()
    expect(page.locator("tbody tr")).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(page.locator("tbody tr")).to_have_count(13)
    page.get_by_label("State").select_option("grace")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Accounts 12")

    page.goto(f"{url}/ops")
    page.get_by_role("link", name="invalid_data").last.click()
    expect(page.locator("pre")).to_contain_text('"cores": "many"')
    assert page.evaluate("violations") == []
    assert asked == {urlsplit(url).netloc}
    assert complaints == []


def test_each_number_explains_itself_to_the_mouse_and_to_the_keyboard(context: BrowserContext, url: str) -> None:
    page = opened(context, url)
    grace = page.locator(".number", has_text="grace")
    grace.hover()
    expect(page.locator("#tip")).to_contain_text("last term has ended")
    page.mouse.move(0, 0)
    failing = page.locator(".number", has_text="failing")
    failing.focus()
    expect(page.locator("#tip")).to_contain_text("(R25)")
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    page.wait_for_timeout(2_500)  # parts are replaced meanwhile
    expect(failing).to_be_focused()
    page.locator(".bars a").nth(11).focus()
    expect(page.locator("#tip")).to_contain_text(re.compile(r"31 Mar: 11\d subscriptions"))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_it_fits_its_window_and_axe_finds_nothing(browser: Browser, url: str, width: int, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    outside = context.new_page()
    outside.goto(f"{url}/ops")
    assert findings(outside) == []
    outside.close()
    page = opened(context, url)
    page.goto(f"{url}/ops/dead-letters")
    letter = page.locator("tbody th a").get_attribute("href") or ""
    for path in ("", "/accounts", "/refusals", "/mails", "/lag", "/dead-letters", letter.removeprefix("/ops")):
        page.goto(f"{url}/ops{path}")
        if not path:
            expect(page.locator(".uplot")).to_be_visible()
        assert findings(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        picture = path.strip("/").replace("/", "-").replace(":", "-") or "overview"
        pictures.take(page, f"ops-{picture}.{width}.{scheme}")
    context.close()


def test_without_scripts_it_is_whole_and_whoever_logs_out_is_out(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{url}/ops")
    page.get_by_label("Operator token").fill("nonsense")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("malformed, expired, or signed with another key")
    page.get_by_label("Operator token").fill(TOKEN)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("Up to date")).to_be_visible()
    expect(page.locator(".curve polyline")).to_have_count(9)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("Operator token")).to_be_visible()
    assert context.cookies() == []
    context.close()
