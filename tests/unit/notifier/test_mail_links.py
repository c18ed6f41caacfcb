"""The links in a mail: there where they lead somewhere, and opening the account of the mail only."""

from typing import Any

import pytest

from notifier_service.mail_links import MailLinks
from shared.runtime.settings import Settings
from shared.web.auth import Guard
from tests.kit.tokens import SECRET
from tests.unit.notifier import samples

ADDRESS = {"public_url": "https://tenure.example/below/"}


def links_with(**given: Any) -> tuple[str | None, Guard]:
    settings = Settings.model_validate(given)
    guard = Guard(settings)
    return MailLinks(settings, guard).for_(samples.event(samples.activated)).inbox_url, guard


async def test_a_mail_leads_to_the_inbox_of_its_account_and_of_no_other() -> None:
    url, guard = links_with(**ADDRESS, auth_secret=SECRET)
    assert url
    address, _, token = url.partition("?token=")
    assert address == "https://tenure.example/below/inbox"
    caller = await guard.caller(token)
    assert (caller.account_id, caller.link, caller.operator) == ("acct-1", True, False)
    assert 0 < caller.seconds_left <= 24 * 3600


@pytest.mark.parametrize("given", [ADDRESS, {"auth_secret": SECRET}, {}])
def test_without_an_address_or_a_secret_there_are_no_links(given: dict[str, Any]) -> None:
    assert links_with(**given)[0] is None
