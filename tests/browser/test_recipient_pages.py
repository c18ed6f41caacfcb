"""`/preferences` and `/unsubscribe` in a browser: opened from a mail, used without JavaScript, in both languages."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser import pictures
from tests.browser.served import Served, Visit, accessible, eventually
from tests.integration.notifier.samples import CONTACT, event
from tests.kit import http
from tests.kit.events import FINANCE, account
from tests.kit.tokens import bearer

CHINESE = CONTACT | {"locale": "zh-CN", "name": "林小雨", "time_zone": "Asia/Shanghai"}
pytestmark = pytest.mark.rule("R52")


def mails_about_a_renewal(served: Served, contact: dict[str, Any] = CONTACT) -> tuple[str, EmailMessage, EmailMessage]:
    """An account, and the mails about its renewal to the contact and to the accountants, who read Chinese."""
    who = account()
    others = event("recipients_changed", who, 2, recipients=[FINANCE])
    served.publish(event("activated", who, 1, contact=contact), others, event("renewed", who, 3))
    found: dict[str, EmailMessage] = {}

    def look() -> bool:
        for one in http.get(f"{served.mail_url}/api/messages").json():
            mail = message_from_bytes(
                http.get(f"{served.mail_url}/api/messages/{one['id']}").content, policy=policy.default
            )
            if mail["X-Tenure-Type"] == "renewed" and who in text_of(mail):
                found[one["rcpt_to"][0]] = mail
        return len(found) == 2

    eventually(look)
    return who, found[contact["email"]], found["payable@example.org"]


def text_of(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content())


def link_in(mail: EmailMessage, page: str) -> str:
    found = re.search(rf"http://\S+/{page}\?\S+", text_of(mail))
    assert found
    return found[0]


def muted(served: Served, who: str) -> Any:
    return http.get(f"{served.url}/api/preferences", headers=bearer(who)).json()["muted"]


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_the_contact_chooses_what_comes_where(served: Served, visit: Visit) -> None:
    who, mail, _ = mails_about_a_renewal(served)
    page = visit.open(link_in(mail, "preferences"))
    assert page.url == f"{served.url}/preferences"
    expect(page.get_by_text("Accounts payable")).to_be_visible()
    page.get_by_label("Renewal, Email", exact=True).uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_label("Renewal, Email", exact=True)).not_to_be_checked()
    pictures.take(page, "preferences.light")
    assert muted(served, who) == [{"kind": "renewed", "channel": "email"}]
    for channel in ("Email", "Inbox"):
        page.get_by_label(f"Renewal reminder, {channel}").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Renewal reminder")
    assert len(muted(served, who)) == 1


def test_nobody_is_kept_out_of_the_form_and_it_asks_nothing_of_another_host(served: Served, visit: Visit) -> None:
    _, mail, _ = mails_about_a_renewal(served)
    page = visit.open(link_in(mail, "preferences"))
    accessible(page)
    page.goto(f"{served.url}/unsubscribe?notification=ntf-1&signature=0")
    expect(page.get_by_role("heading")).to_have_text("This link does not work")
    accessible(page)
    page.goto(link_in(mail, "unsubscribe"))
    accessible(page)
    assert len(visit.hosts) == 1
    assert [one for one in visit.complaints if "404" not in one] == []


@pytest.mark.parametrize("visit", [{"java_script_enabled": False}], indirect=True)
def test_a_further_recipient_stops_emails_of_a_kind_and_starts_them_again(served: Served, visit: Visit) -> None:
    who, _, mail = mails_about_a_renewal(served)
    page = visit.open(link_in(mail, "unsubscribe"))
    expect(page.get_by_text("p…@example.org")).to_be_visible()
    pictures.take(page, "unsubscribe.zh-CN")
    page.get_by_role("button", name="停止接收").click()
    expect(page.get_by_role("status")).to_contain_text("续费")
    page.get_by_role("button", name="重新接收").click()
    page.get_by_role("button", name="停止接收").click()
    expect(page.get_by_role("button", name="重新接收")).to_be_visible()
    assert muted(served, who) == []
    assert visit.context.cookies() == []


@pytest.mark.parametrize(
    ("visit", "name"),
    [
        ({"color_scheme": "dark"}, "dark"),
        ({"viewport": {"width": 360, "height": 780}}, "phone"),
    ],
    indirect=["visit"],
)
def test_the_form_fits_by_night_and_on_a_phone_in_chinese(served: Served, visit: Visit, name: str) -> None:
    _, mail, _ = mails_about_a_renewal(served, CHINESE)
    page = visit.open(link_in(mail, "preferences"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    accessible(page)
    pictures.take(page, f"preferences.zh-CN.{name}")
