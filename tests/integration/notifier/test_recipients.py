"""Further recipients (R52): each has an email of its own, with its own language, result and outcome."""

from email import message_from_bytes, policy
from typing import Any, Final

import pytest

from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import event
from tests.kit.events import FINANCE, account
from tests.kit.waiting import eventually

OPERATIONS: Final[dict[str, Any]] = {
    "recipient_id": "operations",
    "name": "Otto",
    "email": "otto@example.org",
    "locale": "en",
    "time_zone": "UTC",
    "kinds": None,
}
REFUSED: Final = "554 5.7.1 by policy"
"""No word about the address itself, which would go on the suppression list."""


async def emails_of(notifier: RunningNotifier, who: str) -> dict[tuple[str, str | None], tuple[str, str | None, str]]:
    """(kind, further recipient) -> status, masked address, notification id."""
    return {
        (one["kind"], one["recipient_id"]): (one["status"], one["recipient"], one["notification_id"])
        for one in await notifier.decisions(who)
        if one["channel"] == "email"
    }


async def ended(notifier: RunningNotifier, who: str, count: int) -> bool:
    return [one["status"] != "queued" for one in await notifier.decisions(who)].count(True) == count


@pytest.mark.rule("R52")
async def test_each_recipient_has_an_email_and_an_outcome_of_its_own(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.set_mail_behaviour(reply=REFUSED, stage="recipient", recipient=OPERATIONS["email"])
    listed = event("recipients_changed", who, 2, recipients=[FINANCE, OPERATIONS])
    await environment.publish(event("activated", who, 1), listed, event("renewed", who, 3), event("extended", who, 4))
    await eventually(lambda: ended(notifier, who, 9))
    found = await emails_of(notifier, who)
    assert {key: value[:2] for key, value in found.items()} == {
        ("activated", None): ("delivered", "a…@example.com"),
        ("renewed", None): ("delivered", "a…@example.com"),
        ("renewed", "finance"): ("delivered", "p…@example.org"),
        ("renewed", "operations"): ("failed", "o…@example.org"),
        ("extended", None): ("delivered", "a…@example.com"),
        ("extended", "operations"): ("failed", "o…@example.org"),
    }
    outcomes = [one["data"] for one in await environment.outcomes(9)]
    told = {(one["notification_id"], one["recipient_id"]) for one in outcomes if one["channel"] == "email"}
    assert told == {(key, who_) for (_, who_), (*_, key) in found.items()}
    assert {one["recipient_id"] for one in outcomes if one["channel"] == "inbox"} == {None}
    assert len((await notifier.inbox(who))["messages"]) == 3
    [to_finance] = await environment.mails("payable@example.org")
    mail = message_from_bytes(await environment.raw_mail(to_finance["id"]), policy=policy.default)
    assert mail["Message-ID"] == f"<{found['renewed', 'finance'][2]}@tenure.example>"
    assert "Accounts payable" in str(mail["To"])
    assert "Asia/Shanghai" in content(mail)


def content(mail: Any) -> str:
    text: str = mail.get_body(("plain",)).get_content()
    return text
