"""From a lifecycle event to email, internal message and outcome event."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS
from shared.storage.database import transaction
from shared.storage.event_counts import read as read_counts
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.waiting import eventually


async def test_an_activation_makes_a_mail_an_internal_message_and_two_outcomes(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    sent = event("activated", who, 1)
    await environment.publish(sent)
    (mail,) = await eventually(lambda: environment.mails("ada@example.com"))
    outcomes = await environment.outcomes(2)
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


async def test_outcomes_carry_the_trace_and_a_sequence_without_gaps(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, trace = account(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await environment.publish(*(event("contact_changed", who, n) | {"traceparent": trace} for n in range(1, 6)))
    outcomes = await environment.outcomes(5)
    assert [one["sequence"] for one in outcomes] == [1, 2, 3, 4, 5]
    assert {one["traceparent"] for one in outcomes} == {trace}
    assert {one["subject"] for one in outcomes} == {who}
    assert all("recordedat" in one for one in outcomes)


@pytest.mark.rule("G3", "G4")
async def test_the_same_event_many_times_is_notified_once_and_counted_as_duplicates(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    one, other = event("activated", who, 1), event("renewed", who, 2)
    await environment.publish(one, one, other, one, other)
    await eventually(lambda: environment.has_mails(2))
    await environment.publish(one)
    await eventually(lambda: counted(notifier, {"applied": 2, "duplicate": 4}))
    assert len(await environment.mails()) == 2
    assert len((await notifier.inbox(who))["messages"]) == 2


async def test_kinds_for_the_inbox_alone_make_no_mail(notifier: RunningNotifier, environment: Environment) -> None:
    who = account()
    await environment.publish(
        event("activated", who, 1), event("renewal_declined", who, 2), event("quota_restored", who, 3)
    )
    await eventually(lambda: notifier.has_decisions(who, 4))
    decisions = await notifier.decisions(who)
    assert [(one["kind"], one["channel"]) for one in decisions if one["kind"] != "activated"] == [
        ("quota_restored", "inbox"),
        ("renewal_declined", "inbox"),
    ]


async def test_what_a_later_event_has_made_outdated_is_suppressed_on_both_channels(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.publish(
        event("activated", who, 1), event("quota_exceeded", who, 3), event("renewal_due", who, 2, ends_at=past())
    )
    await eventually(lambda: notifier.has_decisions(who, 6))
    due = [one for one in await notifier.decisions(who) if one["kind"] == "renewal_due"]
    assert {(one["channel"], one["status"], one["reason"]) for one in due} == {
        ("email", "suppressed", "expired_meanwhile"),
        ("inbox", "suppressed", "expired_meanwhile"),
    }


@pytest.mark.rule("R46", "R47", "R49")
@pytest.mark.parametrize("kind", ["renewal_upcoming", "renewal_cancelled", "extended"])
async def test_a_notice_of_a_charge_and_what_an_operator_put_right_are_told_on_both_channels(
    notifier: RunningNotifier, environment: Environment, kind: str
) -> None:
    who = account()
    address = f"{who}@example.com"
    await environment.publish(event("activated", who, 1, contact=CONTACT | {"email": address}), event(kind, who, 2))
    await eventually(lambda: notifier.has_decisions(who, 4))
    await eventually(notifier.nothing_is_queued)
    told = {(one["channel"], one["status"]) for one in await notifier.decisions(who) if one["kind"] == kind}
    assert told == {("email", "delivered"), ("inbox", "delivered")}
    assert kind in [one["kind"] for one in (await notifier.inbox(who))["messages"]]


@pytest.mark.rule("R49")
async def test_a_notice_of_a_charge_that_was_tried_meanwhile_is_suppressed_on_both_channels(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.publish(
        event("activated", who, 1), event("auto_renewal_failed", who, 3), event("renewal_upcoming", who, 2)
    )
    await eventually(lambda: notifier.has_decisions(who, 6))
    notices = [one for one in await notifier.decisions(who) if one["kind"] == "renewal_upcoming"]
    assert {(one["channel"], one["status"], one["reason"]) for one in notices} == {
        ("email", "suppressed", "attempted_meanwhile"),
        ("inbox", "suppressed", "attempted_meanwhile"),
    }


async def test_without_a_contact_the_mail_is_suppressed_and_the_internal_message_delivered(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    await environment.publish(event("order_rejected", who, 1))
    await eventually(lambda: notifier.has_decisions(who, 2))
    assert await notifier.status(who) == [("order_rejected", "suppressed", "no_contact")]
    assert await notifier.status(who, "inbox") == [("order_rejected", "delivered", None)]


async def test_the_mail_about_a_refused_purchase_goes_to_the_contact_it_states(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    stranger = CONTACT | {"email": "stranger@example.com"}
    await environment.publish(event("order_rejected", who, 1, contact=stranger), event("order_rejected", who, 2))
    await eventually(lambda: environment.mails("stranger@example.com"))
    await eventually(lambda: notifier.has_decisions(who, 4))
    assert [status for _, status, _ in await notifier.status(who)].count("suppressed") == 1


async def test_after_a_contact_change_mails_go_to_the_new_contact_in_its_language(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    moved = CONTACT | {"email": "new@example.com", "locale": "zh-CN"}
    await environment.publish(event("activated", who, 1))
    await eventually(lambda: environment.mails("ada@example.com"))
    await environment.publish(event("contact_changed", who, 2, contact=moved), event("renewed", who, 3))
    (mail,) = await eventually(lambda: environment.mails("new@example.com"))
    assert mail["headers"]["X-Tenure-Type"] == "renewed"
    html = message_from_bytes(await environment.raw_mail(mail["id"]), policy=policy.default).get_body(("html",))
    assert html is not None
    assert 'lang="zh-CN"' in html.get_content()


@pytest.mark.rule("G4")
async def test_unreadable_records_are_dead_letters_and_their_neighbours_are_applied(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who = account()
    bad_subject = event("renewed", who, 2) | {"subject": "acc-other"}
    unknown = event("renewed", who, 3) | {"type": "tenure.subscription.vanished.v1"}
    await environment.publish(
        event("activated", who, 1), b"not json", bad_subject, unknown, event("contact_changed", who, 4)
    )
    letters = await environment.records(NOTIFICATION_DEAD_LETTERS, 3)
    reasons = [dict(one.headers)["dead-letter-reason"].decode() for one in letters]
    assert sorted(reasons) == ["not_json", "subject_mismatch", "unknown_type"]
    assert [one.value for one in letters if one.value == b"not json"]
    await eventually(lambda: counted(notifier, {"applied": 2, "dead_letter": 3}))


async def test_a_name_and_an_address_cannot_inject_a_header_or_markup(
    notifier: RunningNotifier, environment: Environment
) -> None:
    who, evil = account(), account()
    name = 'Eve"\r\nBcc: spy@example.com\r\n\r\n<script>alert(1)</script>'
    await environment.publish(
        event("activated", who, 1, contact=CONTACT | {"name": name, "email": "eve@example.com"}),
        event("activated", evil, 1, contact=CONTACT | {"email": "eve@example.com>\r\nRCPT TO:<spy@example.com"}),
    )
    (mail,) = await eventually(lambda: environment.mails("eve@example.com"))
    message = message_from_bytes(await environment.raw_mail(mail["id"]), policy=policy.default)
    html = message.get_body(("html",))
    assert mail["rcpt_to"] == ["eve@example.com"]
    assert message["Bcc"] is None
    assert html is not None
    assert "<script" not in html.get_content()
    await eventually(lambda: notifier.has_email(evil, "failed"))
    assert not await environment.mails("spy@example.com")
    ((_, _, reason),) = await notifier.status(evil)
    assert reason
    assert "@example" not in reason


def past() -> str:
    return "2026-01-01T00:00:00Z"


async def counted(notifier: RunningNotifier, expected: dict[str, int]) -> Any:
    async with transaction(notifier.engine) as connection:
        found = {str(outcome): count for (_, outcome), count in (await read_counts(connection)).items() if count}
    return found == expected
