"""From a lifecycle event to mail, inbox and outcome, on real parts."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS
from shared.storage.database import transaction
from shared.storage.event_counts import read as read_tally
from tests.integration.notifier.copies import CONTACT, Copy, World, event
from tests.kit.events import account
from tests.kit.waiting import eventually


async def test_an_activation_is_told_by_mail_in_the_inbox_and_as_outcomes(notifier: Copy, world: World) -> None:
    who = account()
    sent = event("activated", who, 1)
    await world.publish(sent)
    (mail,) = await eventually(lambda: world.mails("ada@example.com"))
    outcomes = await world.outcomes(2)
    inbox = await notifier.inbox(who)
    assert inbox["unread"] == 1
    assert inbox["messages"][0]["kind"] == "activated"
    assert mail["headers"]["X-Tenure-Event"] == sent["id"]
    assert mail["headers"]["X-Tenure-Type"] == "activated"
    by_channel = {one["data"]["channel"]: one for one in outcomes}
    assert {one["type"] for one in outcomes} == {"tenure.notification.delivered.v1"}
    email = by_channel["email"]["data"]
    assert mail["headers"]["Message-ID"] == f"<{email['notification_id']}@tenure.example>"
    assert email["attempts"] == 1
    assert email["reason"].startswith("250 ")
    assert "example.com" not in str(outcomes)


async def test_outcomes_carry_the_trace_and_a_sequence_without_gaps(notifier: Copy, world: World) -> None:
    who, trace = account(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await world.publish(*(event("contact_changed", who, n) | {"traceparent": trace} for n in range(1, 6)))
    outcomes = await world.outcomes(5)
    assert [one["sequence"] for one in outcomes] == [1, 2, 3, 4, 5]
    assert {one["traceparent"] for one in outcomes} == {trace}
    assert {one["subject"] for one in outcomes} == {who}
    assert all("recordedat" in one for one in outcomes)


@pytest.mark.rule("G3", "G4")
async def test_the_same_event_many_times_is_told_once_and_counted_as_duplicates(notifier: Copy, world: World) -> None:
    who = account()
    one, other = event("activated", who, 1), event("renewed", who, 2)
    await world.publish(one, one, other, one, other)
    await eventually(lambda: both_sent(world, 2))
    await world.publish(one)
    await eventually(lambda: tallied(notifier, {"applied": 2, "duplicate": 4}))
    assert len(await world.mails()) == 2
    assert len((await notifier.inbox(who))["messages"]) == 2


async def test_what_only_belongs_in_the_inbox_makes_no_mail(notifier: Copy, world: World) -> None:
    who = account()
    await world.publish(event("activated", who, 1), event("renewal_declined", who, 2), event("quota_restored", who, 3))
    await eventually(lambda: decided(notifier, who, 4))
    decisions = await notifier.decisions(who)
    assert [(one["kind"], one["channel"]) for one in decisions if one["kind"] != "activated"] == [
        ("quota_restored", "inbox"),
        ("renewal_declined", "inbox"),
    ]


async def test_what_a_later_event_has_made_untrue_is_suppressed_on_both_channels(notifier: Copy, world: World) -> None:
    who = account()
    await world.publish(
        event("activated", who, 1), event("quota_exceeded", who, 3), event("renewal_due", who, 2, ends_at=past())
    )
    await eventually(lambda: decided(notifier, who, 6))
    due = [one for one in await notifier.decisions(who) if one["kind"] == "renewal_due"]
    assert {(one["channel"], one["status"], one["reason"]) for one in due} == {
        ("email", "suppressed", "expired_meanwhile"),
        ("inbox", "suppressed", "expired_meanwhile"),
    }


async def test_without_a_contact_the_mail_is_suppressed_and_the_inbox_is_told(notifier: Copy, world: World) -> None:
    who = account()
    await world.publish(event("order_rejected", who, 1))
    await eventually(lambda: decided(notifier, who, 2))
    assert await notifier.status(who) == [("order_rejected", "suppressed", "no_contact")]
    assert await notifier.status(who, "inbox") == [("order_rejected", "delivered", None)]


async def test_a_refused_purchase_is_written_to_the_contact_that_it_brought(notifier: Copy, world: World) -> None:
    who = account()
    stranger = CONTACT | {"email": "stranger@example.com"}
    await world.publish(event("order_rejected", who, 1, contact=stranger), event("order_rejected", who, 2))
    await eventually(lambda: world.mails("stranger@example.com"))
    await eventually(lambda: decided(notifier, who, 4))
    assert [status for _, status, _ in await notifier.status(who)].count("suppressed") == 1


async def test_a_changed_contact_is_written_to_from_then_on_in_its_language(notifier: Copy, world: World) -> None:
    who = account()
    moved = CONTACT | {"email": "new@example.com", "locale": "zh-CN"}
    await world.publish(event("activated", who, 1))
    await eventually(lambda: world.mails("ada@example.com"))
    await world.publish(event("contact_changed", who, 2, contact=moved), event("renewed", who, 3))
    (mail,) = await eventually(lambda: world.mails("new@example.com"))
    assert mail["headers"]["X-Tenure-Type"] == "renewed"
    html = message_from_bytes(await world.raw(mail["id"]), policy=policy.default).get_body(("html",))
    assert html is not None
    assert 'lang="zh-CN"' in html.get_content()


@pytest.mark.rule("G4")
async def test_what_cannot_be_read_is_a_dead_letter_and_takes_no_neighbour_along(notifier: Copy, world: World) -> None:
    who = account()
    bad_subject = event("renewed", who, 2) | {"subject": "acc-other"}
    unknown = event("renewed", who, 3) | {"type": "tenure.subscription.vanished.v1"}
    await world.publish(event("activated", who, 1), b"not json", bad_subject, unknown, event("contact_changed", who, 4))
    letters = await world.on_topic(NOTIFICATION_DEAD_LETTERS, 3)
    reasons = [dict(one.headers)["dead-letter-reason"].decode() for one in letters]
    assert sorted(reasons) == ["not_json", "subject_mismatch", "unknown_type"]
    assert [one.value for one in letters if one.value == b"not json"]
    await eventually(lambda: tallied(notifier, {"applied": 2, "dead_letter": 3}))


async def test_a_name_and_an_address_cannot_inject_a_header_or_markup(notifier: Copy, world: World) -> None:
    who, evil = account(), account()
    name = 'Eve"\r\nBcc: spy@example.com\r\n\r\n<script>alert(1)</script>'
    await world.publish(
        event("activated", who, 1, contact=CONTACT | {"name": name, "email": "eve@example.com"}),
        event("activated", evil, 1, contact=CONTACT | {"email": "eve@example.com>\r\nRCPT TO:<spy@example.com"}),
    )
    (mail,) = await eventually(lambda: world.mails("eve@example.com"))
    message = message_from_bytes(await world.raw(mail["id"]), policy=policy.default)
    html = message.get_body(("html",))
    assert mail["rcpt_to"] == ["eve@example.com"]
    assert message["Bcc"] is None
    assert html is not None
    assert "<script" not in html.get_content()
    await eventually(lambda: ended(notifier, evil, "failed"))
    assert not await world.mails("spy@example.com")
    ((_, _, reason),) = await notifier.status(evil)
    assert reason
    assert "@example" not in reason


def past() -> str:
    return "2026-01-01T00:00:00Z"


async def both_sent(world: World, count: int) -> bool:
    return len(await world.mails()) >= count


async def decided(notifier: Copy, who: str, count: int) -> bool:
    return len(await notifier.decisions(who)) >= count


async def ended(notifier: Copy, who: str, status: str) -> bool:
    return any(found == status for _, found, _ in await notifier.status(who))


async def tallied(notifier: Copy, expected: dict[str, int]) -> Any:
    async with transaction(notifier.engine) as connection:
        found = {str(outcome): count for (_, outcome), count in (await read_tally(connection)).items() if count}
    return found == expected
