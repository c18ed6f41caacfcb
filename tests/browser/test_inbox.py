"""The inbox in a browser: by the link of a mail, live in two tabs, without JavaScript, in a foreign console.

Pictures go to the folder that `TENURE_PICTURES` names.
"""

import re
import time
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser import pictures
from tests.browser.served import Served, Visit, accessible, eventually
from tests.integration.notifier.samples import CONTACT, event
from tests.kit import http
from tests.kit.tokens import bearer

CHINESE = CONTACT | {"locale": "zh-CN", "name": "林小雨", "time_zone": "Asia/Shanghai"}


def message(page: Page, title: str) -> Any:
    return page.locator("details", has=page.locator("summary", has_text=title))


def mailed_link(served: Served, who: str) -> str:
    """The link in the mail of an account's first message."""
    found: list[str] = []

    def look() -> bool:
        for one in http.get(f"{served.mail_url}/api/messages").json():
            raw = http.get(f"{served.mail_url}/api/messages/{one['id']}").content
            body = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
            if body is not None and who in (text := str(body.get_content())):
                found.extend(re.findall(r"http://\S+/inbox\?token=\S+", text))
        return bool(found)

    eventually(look)
    return found[0]


def test_the_link_of_a_mail_opens_the_inbox_in_one_request_and_leaves_the_address(served: Served, visit: Visit) -> None:
    who = served.with_messages()
    page = visit.open(mailed_link(served, who))
    assert page.url == f"{served.url}/inbox"
    expect(page.get_by_role("status")).to_have_text("4 unread")
    expect(page.locator("details")).to_have_count(4)
    expect(page.locator(".subscription")).to_contain_text("Protected until the end of December 1, 2099")
    assert [url for url in visit.requests if "/api/" not in url and "/fragment" not in url][1:] == [
        f"{served.url}/inbox"
    ]
    (cookie,) = visit.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    accessible(page)
    pictures.take(page, "inbox.light")
    page.locator("summary").first.click()
    expect(page.get_by_role("status")).to_have_text("3 unread")
    expect(page.locator("details[open]")).to_have_count(1)
    expect(page.locator("details[open] .times")).to_contain_text("Read ")
    assert served.inbox(who)["unread"] == 3
    accessible(page)
    pictures.take(page, "inbox.open")
    assert visit.hosts == {urlsplit(served.url).netloc}
    assert visit.complaints == []


def test_what_arrives_is_marked_or_archived_is_seen_in_both_tabs(served: Served, visit: Visit) -> None:
    who = served.with_messages(2)
    tabs = [visit.open(served.link(who)), visit.open(served.link(who))]
    for tab in tabs:
        expect(tab.get_by_role("status")).to_have_text("2 unread")
    message(tabs[0], "about to expire").locator("summary").click()
    served.publish(event("renewed", who, 9))
    for tab in tabs:
        expect(message(tab, "renewed")).to_be_visible()
        expect(tab.get_by_role("status")).to_have_text("2 unread")
    expect(tabs[0].locator("details[open]")).to_have_count(1)
    tabs[1].get_by_role("button", name="Mark all as read").click()
    for tab in tabs:
        expect(tab.get_by_role("status")).to_have_text("0 unread")
        expect(tab.locator("[data-unread=''], .dot")).to_have_count(0)
    tabs[0].locator("details[open]").get_by_role("button", name="Archive").click()
    for tab in tabs:
        expect(tab.locator("details")).to_have_count(2)
    tabs[0].get_by_role("link", name="Archive").click()
    expect(tabs[0].locator("details")).to_have_count(1)
    assert tabs[0].url.endswith("/inbox?archived=1")
    tabs[0].go_back()
    expect(tabs[0].locator("details")).to_have_count(2)
    assert visit.complaints == []


def test_messages_are_searched_and_filtered_and_the_keyboard_is_enough(served: Served, visit: Visit) -> None:
    who = served.with_messages()
    page = visit.open(served.link(who))
    page.get_by_role("searchbox").fill("QUOTA")
    page.keyboard.press("Enter")
    expect(page.locator("details")).to_have_count(1)
    page.get_by_role("searchbox").fill("100%_")
    page.keyboard.press("Enter")
    expect(page.locator("details")).to_have_count(0)
    expect(page.get_by_text("No message matches")).to_be_visible()
    accessible(page)
    page.get_by_role("searchbox").fill("")
    page.get_by_role("combobox").select_option("Activation")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("details")).to_have_count(1)
    assert "kind=activated" in page.url
    page.get_by_role("link", name="All").click()
    page.goto(f"{served.url}/inbox")
    page.locator("summary").first.focus()
    for key, at in (("ArrowDown", 1), ("End", 3), ("ArrowUp", 2), ("Home", 0)):
        page.keyboard.press(key)
        expect(page.locator("summary").nth(at)).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.locator("details")).to_have_count(3)
    expect(page.locator("summary").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("2 unread")
    expect(page.locator("summary").first).to_be_focused()


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_all_of_it_works_without_javascript(served: Served, visit: Visit) -> None:
    who = served.with_messages()
    page = visit.open(served.link(who))
    expect(page.locator("details")).to_have_count(4)
    page.locator("summary").first.click()
    page.get_by_role("button", name="Mark as read").first.click()
    expect(page.get_by_role("status")).to_have_text("3 unread")
    page.get_by_role("link", name="Unread").click()
    expect(page.locator("details")).to_have_count(3)
    page.locator("summary").first.click()
    page.get_by_role("button", name="Archive").first.click()
    assert page.url.endswith("/inbox?unread=1")
    expect(page.locator("details")).to_have_count(2)
    page.get_by_role("searchbox").fill("activ")
    page.get_by_role("button", name="Search", exact=True).click()
    expect(page.locator("details")).to_have_count(1)
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.get_by_role("status")).to_have_text("0 unread")


@pytest.mark.parametrize(
    ("visit", "name"),
    [
        ({"color_scheme": "dark"}, "dark"),
        ({"viewport": {"width": 360, "height": 780}}, "phone"),
        ({"viewport": {"width": 360, "height": 780}, "color_scheme": "dark"}, "phone.dark"),
    ],
    indirect=["visit"],
)
@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_the_page_fits_by_night_on_a_phone_and_in_both_languages(
    served: Served, visit: Visit, language: str, name: str
) -> None:
    who = served.with_messages(contact=CHINESE if language == "zh-CN" else CONTACT)
    page = visit.open(served.link(who))
    page.locator("summary").first.click()
    expect(page.get_by_role("status")).to_have_text("3 条未读" if language == "zh-CN" else "3 unread")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("html").get_attribute("lang") == language
    accessible(page)
    pictures.take(page, f"inbox.{language}.{name}")
    assert visit.complaints == []


def test_a_link_that_has_ended_says_so_in_words_and_opens_nothing(served: Served, visit: Visit) -> None:
    who = served.with_messages(1)
    page = visit.open(served.link(who, exp=time.time() - 60))
    expect(page.get_by_role("heading")).to_have_text("This link has ended")
    expect(page.get_by_text("newest email")).to_be_visible()
    assert visit.context.cookies() == []
    accessible(page)
    pictures.take(page, "ended", whole=False)
    assert visit.complaints == ["Failed to load resource: the server responded with a status of 401 (Unauthorized)"]


def test_anothers_message_is_opened_by_no_session_of_ours(served: Served, visit: Visit) -> None:
    ours, theirs = served.with_messages(1), served.with_messages(1)
    page = visit.open(served.link(ours))
    message_id = served.inbox(theirs)["messages"][0]["id"]
    for path in (f"inbox/{message_id}/read", f"inbox/{message_id}/archive", f"api/inbox/{message_id}/archive"):
        assert page.request.post(f"{served.url}/{path}").status == 404
    assert served.inbox(theirs)["unread"] == 1
    assert page.request.get(f"{served.url}/inbox?before={message_id}").status == 404


def test_a_foreign_console_shows_the_component_live_and_with_its_own_token(served: Served, visit: Visit) -> None:
    who = served.with_messages(2)
    page = visit.open(served.console)
    connect(page, served, who)
    expect(page.get_by_role("button", name="Inbox: 2 unread")).to_be_visible()
    assert page.title() == "(2) Northwind Cloud"
    page.get_by_role("button", name="Inbox: 2 unread").click()
    panel = page.get_by_role("dialog")
    expect(panel.locator("details")).to_have_count(2)
    served.publish(event("renewed", who, 9))
    expect(panel.locator("details")).to_have_count(3)
    expect(page.get_by_role("button", name="Inbox: 3 unread")).to_be_visible()
    accessible(page)
    pictures.take(page, "console", whole=False)
    panel.locator("summary").first.click()
    expect(panel.get_by_role("status")).to_have_text("2 unread")
    panel.locator("details[open]").get_by_role("button", name="Archive").click()
    expect(panel.locator("details")).to_have_count(2)
    panel.get_by_role("link", name="Archive").click()
    expect(panel.locator("details")).to_have_count(1)
    assert page.url.startswith(served.console)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    connect(page, served, served.with_messages(1))
    expect(page.get_by_role("button", name="Inbox: 1 unread")).to_be_visible()
    assert visit.hosts == {urlsplit(served.url).netloc, urlsplit(served.console).netloc}
    assert visit.complaints == []


def test_a_console_of_an_origin_that_is_not_let_in_shows_nothing(served: Served, visit: Visit) -> None:
    page = visit.open(served.console.replace("localhost", "127.0.0.1"))
    page.get_by_label("Address of the notifier").fill(served.url)
    refused = page.evaluate("(url) => fetch(url).then(() => false, () => true)", f"{served.url}/api/inbox")
    assert refused
    assert page.evaluate("(url) => import(url).then(() => false, () => true)", f"{served.url}/tenure-inbox.js")


def connect(page: Page, served: Served, who: str) -> None:
    page.get_by_label("Address of the notifier").fill(served.url)
    page.get_by_label("Token of an account").fill(bearer(who)["Authorization"].removeprefix("Bearer "))
    page.get_by_role("button", name="Show the inbox").click()
