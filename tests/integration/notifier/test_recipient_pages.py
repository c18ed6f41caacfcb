"""`/unsubscribe` and `/preferences` on a running notifier: what is muted by whom, and what opens nothing."""

import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import urljoin

import pytest

from shared.runtime.settings import Settings
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import event
from tests.kit.events import FINANCE, account
from tests.kit.tokens import bearer
from tests.kit.waiting import eventually

ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}
PUBLIC: Final = "http://tenure.example"
pytestmark = pytest.mark.rule("R52")


@pytest.fixture
async def notifier(settings: Settings, environment: Environment) -> AsyncIterator[RunningNotifier]:
    """With the address at which its recipients reach it."""
    async with running_notifier(settings.model_copy(update={"public_url": PUBLIC})) as running:
        yield running


class Told(NamedTuple):
    """An account, and the emails about its renewal to the contact and to the accountants."""

    account: str
    contact: EmailMessage
    finance: EmailMessage


async def told(notifier: RunningNotifier, environment: Environment) -> Told:
    who = account()
    recipients = event("recipients_changed", who, 2, recipients=[FINANCE])
    await environment.publish(event("activated", who, 1), recipients, event("renewed", who, 3))
    await eventually(lambda: environment.has_mails(3))
    mails = [
        message_from_bytes(await environment.raw_mail(one["id"]), policy=policy.default)
        for one in await environment.mails()
    ]
    renewed: dict[str, Any] = {str(mail["To"]): mail for mail in mails if mail["X-Tenure-Type"] == "renewed"}
    return Told(who, renewed["Ada <ada@example.com>"], renewed["Accounts payable <payable@example.org>"])


def unsubscribe_path(mail: EmailMessage) -> str:
    """The link that mail programs send a POST to, without our address."""
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.fullmatch(rf"<{PUBLIC}(/unsubscribe\?.+)>", str(mail["List-Unsubscribe"]))
    assert found
    return found[1]


async def last_emails(notifier: RunningNotifier, environment: Environment, who: str, version: int) -> list[Any]:
    """What becomes of the emails of one more renewal: the contact's, then the accountants'."""
    known = len(await notifier.decisions(who))
    await environment.publish(event("renewed", who, version))
    await eventually(lambda: notifier.has_decisions(who, known + 3))
    await eventually(notifier.nothing_is_queued)
    newest = [one for one in (await notifier.decisions(who))[:3] if one["channel"] == "email"]
    return [one["reason"] if one["status"] == "suppressed" else one["status"] for one in newest[::-1]]


async def test_a_post_mutes_a_kind_for_its_recipient_alone_and_can_be_taken_back(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, to_finance = await told(notifier, environment)
    for_finance, for_contact = unsubscribe_path(to_finance), unsubscribe_path(to_contact)
    shown = await notifier.client.get(for_finance)
    assert (shown.status_code, shown.headers["content-type"]) == (HTTPStatus.OK, "text/html; charset=utf-8")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert all(word in shown.text for word in ("续费", "p…@example.org", 'method="post"'))
    assert await last_emails(notifier, environment, who, 4) == ["delivered", "delivered"]
    for _ in range(2):
        assert (await notifier.client.post(for_finance, data=ONE_CLICK)).status_code == HTTPStatus.OK
    assert await last_emails(notifier, environment, who, 5) == ["delivered", "muted"]
    assert (await notifier.client.post(for_contact, data=ONE_CLICK)).status_code == HTTPStatus.OK
    assert await last_emails(notifier, environment, who, 6) == ["muted", "muted"]
    preferences = (await notifier.client.get("/api/preferences", headers=bearer(who))).json()
    assert preferences["muted"] == [{"kind": "renewed", "channel": "email"}]
    assert "again=1" in (await notifier.client.get(for_finance)).text
    for path in (for_finance, for_contact):
        await notifier.client.post(f"{path}&again=1")
    assert await last_emails(notifier, environment, who, 7) == ["delivered", "delivered"]


async def test_who_starts_emails_again_can_stop_them_once_more_with_the_buttons_of_the_page(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, _ = await told(notifier, environment)
    address, muted = unsubscribe_path(to_contact), []
    for _ in range(3):
        page = await notifier.client.get(address)
        form = re.search(r'<form method="post"(?: action="([^"]*)")?>', page.text)
        assert form
        address = urljoin(address, unescape(form[1] or ""))
        assert (await notifier.client.post(address)).status_code == HTTPStatus.OK
        muted.append((await notifier.client.get("/api/preferences", headers=bearer(who))).json()["muted"])
    silent = [{"kind": "renewed", "channel": "email"}]
    assert muted == [silent, [], silent]


async def test_the_page_promises_the_inbox_only_where_the_kind_still_goes_there(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, _ = await told(notifier, environment)
    path, promise = unsubscribe_path(to_contact), "stays in the inbox"
    assert promise in (await notifier.client.get(path)).text
    muted = {"muted": [{"kind": "renewed", "channel": "inbox"}]}
    assert (await notifier.client.put("/api/preferences", headers=bearer(who), json=muted)).status_code == HTTPStatus.OK
    assert promise not in (await notifier.client.post(path, data=ONE_CLICK)).text


async def test_another_mails_signature_opens_nothing_nor_does_one_of_a_person_who_was_forgotten(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, to_finance = await told(notifier, environment)
    ours, other = (dict(re.findall(r"(\w+)=([^&]+)", unsubscribe_path(mail))) for mail in (to_contact, to_finance))
    wrong = [ours | {"signature": other["signature"]}, ours | {"signature": ""}, {}, {"notification": "ntf-1"}]
    for query in wrong:
        for method in ("GET", "POST"):
            answer = await notifier.client.request(method, "/unsubscribe", params=query)
            assert answer.status_code == HTTPStatus.NOT_FOUND
            assert "Nothing was changed" in answer.text
    assert await last_emails(notifier, environment, who, 4) == ["delivered", "delivered"]
    await environment.publish(event("erased", who, 5), event("contact_changed", who, 6))
    await eventually(lambda: is_forgotten(notifier, unsubscribe_path(to_contact)))
    assert (await notifier.client.post(unsubscribe_path(to_contact))).status_code == HTTPStatus.NOT_FOUND


async def is_forgotten(notifier: RunningNotifier, path: str) -> bool:
    return (await notifier.client.get(path)).status_code == HTTPStatus.NOT_FOUND


async def test_what_keeps_a_channel_has_no_unsubscribe_header_for_anybody(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    everything = FINANCE | {"kinds": None}
    await environment.publish(
        event("recipients_changed", who, 1, recipients=[everything]), event("renewal_due", who, 2)
    )
    await eventually(lambda: environment.has_mails(1))
    [mail] = [message_from_bytes(await environment.raw_mail(one["id"])) for one in await environment.mails()]
    assert (mail["X-Tenure-Type"], mail["List-Unsubscribe"], mail["List-Unsubscribe-Post"]) == (
        "renewal_due",
        None,
        None,
    )


async def test_the_contact_chooses_on_the_page_and_a_kind_that_matters_keeps_a_channel(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, to_finance = await told(notifier, environment)
    body = to_contact.get_body(("plain",))
    assert body
    link = re.search(rf"{PUBLIC}(/preferences\?token=\S+)", body.get_content())
    assert link
    opened = await notifier.client.get(link[1])
    assert (opened.status_code, opened.headers["location"]) == (HTTPStatus.SEE_OTHER, "/preferences")
    page = await notifier.client.get("/preferences")
    assert page.text.count("checked") == page.text.count('type="checkbox"') == 30
    assert all(word in page.text for word in (who, "Accounts payable", "p…@example.org", "Renewal reminder"))
    kept = [value for value in re.findall(r'value="(\S+?)"', page.text) if value != "renewed:email"]
    saved = await notifier.client.post("/preferences", data={"on": kept})
    assert (saved.status_code, saved.headers["location"]) == (HTTPStatus.SEE_OTHER, "/preferences?saved=1")
    assert 'role="status"' in (await notifier.client.get("/preferences?saved=1")).text
    silent = await notifier.client.post("/preferences", data={"on": [one for one in kept if "released" not in one]})
    assert silent.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert 'role="alert"' in silent.text
    assert await last_emails(notifier, environment, who, 4) == ["muted", "delivered"]
    foreign = {"sec-fetch-site": "cross-site"}
    assert (await notifier.client.post("/preferences", headers=foreign)).status_code == HTTPStatus.FORBIDDEN
    assert "/preferences" not in str(to_finance)
    notifier.client.cookies.clear()
    assert (await notifier.client.get("/preferences")).status_code == HTTPStatus.UNAUTHORIZED


class PreferencesPage(NamedTuple):
    """What the page says of itself, and what a browser sends of it."""

    ticked: list[str]
    was_on: str

    def form(self, *, ticked: list[str] | None = None) -> dict[str, Any]:
        return {"on": self.ticked if ticked is None else ticked, "was_on": self.was_on}


async def preferences_page(notifier: RunningNotifier, who: str) -> PreferencesPage:
    text = (await notifier.client.get("/preferences", headers=bearer(who))).text
    [was_on] = re.findall(r'name="was_on" value="([^"]*)"', text)
    return PreferencesPage(re.findall(r'name="on" value="(\S+?)"[^>]* checked', text), was_on)


async def test_an_unsubscription_made_after_the_page_was_loaded_outlives_its_saving(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, to_contact, _ = await told(notifier, environment)
    loaded = await preferences_page(notifier, who)
    await notifier.client.post(unsubscribe_path(to_contact), data=ONE_CLICK)
    without = [one for one in loaded.ticked if one != "extended:email"]
    saved = await notifier.client.post("/preferences", data=loaded.form(ticked=without), headers=bearer(who))
    assert saved.status_code == HTTPStatus.SEE_OTHER
    now = await preferences_page(notifier, who)
    assert set(loaded.ticked) - set(now.ticked) == {"renewed:email", "extended:email"}
    await notifier.client.post("/preferences", data=now.form(ticked=loaded.ticked), headers=bearer(who))
    assert (await preferences_page(notifier, who)).ticked == loaded.ticked


async def test_two_pages_that_each_leave_a_kind_one_channel_do_not_silence_it_together(
    notifier: RunningNotifier,
) -> None:
    who = account()
    loaded = await preferences_page(notifier, who)
    for channel, expected in [("email", HTTPStatus.SEE_OTHER), ("inbox", HTTPStatus.UNPROCESSABLE_ENTITY)]:
        without = [one for one in loaded.ticked if one != f"released:{channel}"]
        answer = await notifier.client.post("/preferences", data=loaded.form(ticked=without), headers=bearer(who))
        assert answer.status_code == expected
    assert "released:inbox" in (await preferences_page(notifier, who)).ticked
