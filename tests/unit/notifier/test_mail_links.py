"""The links in a mail: there where they lead somewhere, and opening the account of the mail only."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from notifier_service.content.render import Links
from notifier_service.decisions.addressee import Addressee
from notifier_service.mail_links import MailLinks
from notifier_service.unsubscribe_links import UnsubscribeLinks
from shared.contracts.lifecycle import LifecycleData
from shared.runtime.settings import Settings
from shared.web.auth import Guard
from tests.kit.tokens import SECRET
from tests.unit.notifier import samples

ADDRESS = {"public_url": "https://tenure.example/below/"}
WHOLE = ADDRESS | {"auth_secret": SECRET}
CONTACT = Addressee(None, samples.ADA)
FINANCE = Addressee("finance", samples.LIN)


def links_with(given: dict[str, Any], data: LifecycleData = samples.activated, to: Addressee = CONTACT) -> Links:
    settings = Settings.model_validate(given)
    return MailLinks(settings, Guard(settings)).for_(samples.event(data), to, "ntf-1")


@pytest.mark.parametrize("page", ["inbox", "preferences"])
async def test_a_mail_leads_to_pages_of_its_account_and_of_no_other(page: str) -> None:
    url = getattr(links_with(WHOLE), f"{page}_url")
    address, _, token = url.partition("?token=")
    assert address == f"https://tenure.example/below/{page}"
    caller = await Guard(Settings.model_validate(WHOLE)).caller(token)
    assert (caller.account_id, caller.link, caller.operator) == ("acct-1", True, False)
    assert 0 < caller.seconds_left <= 24 * 3600


@pytest.mark.rule("R52")
def test_a_further_recipient_is_led_to_no_page_of_the_account() -> None:
    links = links_with(WHOLE, to=FINANCE)
    assert (links.inbox_url, links.preferences_url) == (None, None)
    assert links.unsubscribe_url


@pytest.mark.parametrize("given", [ADDRESS, {"auth_secret": SECRET}, {}])
def test_without_an_address_or_a_secret_there_are_no_links(given: dict[str, Any]) -> None:
    assert links_with(given) == Links()


@pytest.mark.rule("R52")
@pytest.mark.parametrize("to", [CONTACT, FINANCE], ids=["contact", "further recipient"])
def test_a_kind_that_keeps_a_channel_has_no_unsubscribe_link(to: Addressee) -> None:
    assert links_with(WHOLE, samples.renewal_due, to).unsubscribe_url is None


@pytest.mark.rule("R52")
def test_an_unsubscribe_link_is_genuine_for_its_own_mail_only() -> None:
    url = urlsplit(links_with(WHOLE).unsubscribe_url or "")
    assert (url.netloc, url.path) == ("tenure.example", "/below/unsubscribe")
    ((notification,), (signature,)) = parse_qs(url.query).values()
    ours = UnsubscribeLinks(Settings.model_validate(WHOLE))
    assert ours.is_genuine(notification, signature)
    assert not ours.is_genuine("ntf-2", signature)
    assert not ours.is_genuine(notification, signature[:-1])
    others = UnsubscribeLinks(Settings.model_validate(WHOLE | {"auth_secret": SECRET[::-1]}))
    assert not others.is_genuine(notification, signature)
    assert not UnsubscribeLinks(Settings.model_validate(ADDRESS)).is_genuine(notification, signature)
