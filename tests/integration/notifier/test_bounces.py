"""Mail that comes back: what follows for its address, and that a report counts once."""

from datetime import UTC, datetime
from typing import Final

import pytest
from sqlalchemy import text

from notifier_service.bounces.address import address_hash, envelope_id
from notifier_service.storage import suppressions
from notifier_service.storage.suppressions import Suppression
from shared.storage.database import Engine, transaction
from tests.integration.notifier.bounces import Bounces
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.stored import found_in
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually

PRIVATE: Final = "zebedee"


async def test_a_hard_bounce_is_recorded_once_and_the_inbox_says_so(bounces: Bounces) -> None:
    who = account()
    address = f"{PRIVATE}@example.com"
    email = (await bounces.email(who, 1, address))["notification_id"]
    identity = envelope_id(bounces.settings, email)
    [sender] = [line for _, line in bounces.relay.commands if line.startswith("MAIL")]
    assert sender == f"MAIL FROM:<bounce+{identity}@bounces.tenure.example> RET=HDRS ENVID={identity}"

    answer = await bounces.bounce("postfix_unknown_user", email)
    assert answer.json() == {"notification_id": email, "kind": "hard", "recorded": True}
    assert (await bounces.bounce("gmail_not_found", email)).json()["recorded"] is False

    [told] = [one for one in await bounces.notifier.decisions(who) if one["channel"] == "email"]
    assert (told["status"], told["bounce"]) == ("bounced", "hard")
    assert told["bounce_detail"].startswith("550 5.1.1 <[address]>")
    [listed] = await bounces.suppressions(who)
    assert listed["address_hash"] == address_hash(bounces.settings, address.upper())
    assert (listed["reason"], listed["notification_id"]) == ("bounced", email)
    inbox = await bounces.notifier.inbox(who)
    assert [one["kind"] for one in inbox["messages"]] == ["email_bounced", "activated"]
    assert "z…@example.com" in inbox["messages"][0]["body"]
    assert inbox["unread"] == 2
    read = await bounces.notifier.client.post("/api/inbox/read-all", headers=bearer(who))
    assert read.json() == {"unread": 0}
    assert [status for status, _ in await bounces.outcomes(who, 4)] == ["delivered", "bounced"]
    metrics = (await bounces.notifier.client.get("/metrics")).text
    assert 'tenure_notifications_total{channel="email",status="bounced"} 1.0' in metrics
    assert 'tenure_notifications_total{channel="email",status="complained"} 0.0' in metrics


async def test_who_has_another_address_by_now_reads_that_it_is_the_one_that_mails_come_back_from(
    bounces: Bounces,
) -> None:
    who = account()
    first = await bounces.email(who, 1, "ada@example.com")
    await bounces.environment.publish(event("contact_changed", who, 2, contact=CONTACT | {"email": "b@other.example"}))
    path = f"/api/notifications/{first['notification_id']}/resend"
    again = (await bounces.notifier.client.post(path, headers=operator())).json()["notification_id"]
    await eventually(bounces.notifier.nothing_is_queued)
    sent = {one["notification_id"]: one["recipient"] for one in await bounces.notifier.decisions(who)}
    assert (sent[first["notification_id"]], sent[again]) == ("a…@example.com", "b…@other.example")
    await bounces.bounce("postfix_unknown_user", again)
    told = (await bounces.notifier.inbox(who))["messages"][0]
    assert ("b…@other.example" in told["body"], told["title"]) == (True, "Emails to you no longer arrive")
    await bounces.bounce("postfix_unknown_user", first["notification_id"])
    told = (await bounces.notifier.inbox(who))["messages"][0]
    assert ("a…@example.com" in told["body"], told["title"]) == (True, "An email to a former address came back")


async def test_a_stream_is_told_that_the_message_about_a_bounce_was_read(bounces: Bounces) -> None:
    who, client = account(), bounces.notifier.client
    await bounces.bounce("postfix_unknown_user", (await bounces.email(who, 1, "ada@example.com"))["notification_id"])
    [notice, other] = (await bounces.notifier.inbox(who))["messages"]
    await client.post(f"/api/inbox/{other['id']}/read", headers=bearer(who))
    async with client.stream("GET", "/api/inbox/stream", headers=bearer(who)) as answer:
        lines = (line async for line in answer.aiter_lines() if "unread" in line and line.startswith("data"))
        assert await anext(lines) == 'data: {"unread":1}'
        await client.post(f"/api/inbox/{notice['id']}/read", headers=bearer(who))
        assert await anext(lines) == 'data: {"unread":0}'


async def test_later_mails_keep_from_the_address_until_it_is_released_or_changed(bounces: Bounces) -> None:
    who, neighbour = account(), account()
    address = "ada@example.com"
    await bounces.bounce("ses_bounce", (await bounces.email(who, 1, address))["notification_id"])
    [listed] = await bounces.suppressions(who)
    assert (await bounces.email(who, 2, address, "renewed"))["reason"] == "bounced"
    assert (await bounces.email(neighbour, 1, address))["status"] == "suppressed"
    assert (await bounces.email(who, 3, "ada@elsewhere.example"))["status"] == "delivered"
    assert await bounces.suppressions(who) == []
    path = f"/api/suppressions/{listed['address_hash']}"
    assert (await bounces.notifier.client.delete(path, headers=bearer(who))).status_code == 403
    assert (await bounces.notifier.client.delete(path, headers=operator())).status_code == 204
    assert (await bounces.notifier.client.delete(path, headers=operator())).status_code == 404
    assert (await bounces.email(neighbour, 2, address, "renewed"))["status"] == "delivered"


@pytest.mark.rule("R52")
async def test_what_must_not_fall_silent_goes_to_the_next_recipient_instead(bounces: Bounces) -> None:
    who = account()
    deputy = CONTACT | {"recipient_id": "deputy", "email": "deputy@example.com", "kinds": ["activated"]}
    await bounces.environment.publish(event("recipients_changed", who, 1, recipients=[deputy]))
    await bounces.environment.publish(event("contact_changed", who, 2, contact=CONTACT))
    told = await bounces.email(who, 3, "", "renewal_due")
    await bounces.bounce("ses_bounce", told["notification_id"])
    await eventually(lambda: has_been_told(bounces, who, ["renewal_due"]))
    assert (await bounces.email(who, 4, "", "extended"))["reason"] == "bounced"
    await bounces.environment.publish(event("auto_renewal_failed", who, 5))
    await eventually(lambda: has_been_told(bounces, who, ["renewal_due", "auto_renewal_failed"]))
    assert bounces.relay.recipients.count("deputy@example.com") == 2
    assert len(await bounces.suppressions(who)) == 1


@pytest.mark.rule("R52")
@pytest.mark.parametrize("bounces", [{"keep_mails_days": 0}], indirect=True)
async def test_where_no_copies_are_kept_a_refused_address_is_passed_on_all_the_same(bounces: Bounces) -> None:
    who, deputy = account(), CONTACT | {"recipient_id": "deputy", "email": "deputy@example.com", "kinds": []}
    await bounces.environment.publish(
        event("recipients_changed", who, 1, recipients=[deputy]),
        event("contact_changed", who, 2, contact=CONTACT | {"email": "gone@example.com"}),
        event("renewal_due", who, 3),
    )
    await eventually(lambda: has_been_told(bounces, who, ["renewal_due"]))


@pytest.mark.rule("R52")
async def test_what_no_mail_can_be_addressed_to_is_passed_on_as_well(bounces: Bounces) -> None:
    """From one unusable address to the next, to the first that can be written to."""
    who = account()
    unusable = CONTACT | {"recipient_id": "typo", "email": "typo@no domain", "kinds": []}
    deputy = CONTACT | {"recipient_id": "deputy", "email": "deputy@example.com", "kinds": []}
    await bounces.environment.publish(event("recipients_changed", who, 1, recipients=[unusable, deputy]))
    await bounces.environment.publish(event("contact_changed", who, 2, contact=CONTACT | {"email": "ada.example.com"}))
    assert (await bounces.email(who, 3, "", "renewal_due"))["status"] == "failed"
    await eventually(lambda: has_been_told(bounces, who, ["renewal_due"]))
    assert (await bounces.email(who, 4, "", "extended"))["status"] == "failed"
    assert len([one for one in await bounces.notifier.decisions(who) if one["recipient_id"]]) == 2
    assert await bounces.suppressions(who) == []


async def test_every_account_reads_once_that_its_own_mail_came_back_and_again_after_a_release(bounces: Bounces) -> None:
    accounts, address = [account(), account()], "shared@example.com"
    emails = [await bounces.email(who, version, address) for version in (1, 2) for who in accounts]
    for email in emails:
        await bounces.bounce("postfix_unknown_user", email["notification_id"])
        await bounces.bounce("ses_complaint", email["notification_id"])
    for who in accounts:
        kinds = [one["kind"] for one in (await bounces.notifier.inbox(who))["messages"]]
        assert kinds == ["email_bounced", "activated", "activated"]
    [listed] = await bounces.suppressions(accounts[0])
    await bounces.notifier.client.delete(f"/api/suppressions/{listed['address_hash']}", headers=operator())
    again = await bounces.email(accounts[0], 3, address)
    await bounces.bounce("postfix_unknown_user", again["notification_id"])
    assert [one["kind"] for one in (await bounces.notifier.inbox(accounts[0]))["messages"]].count("email_bounced") == 2


@pytest.mark.rule("R52")
async def test_nothing_of_a_further_recipients_address_stays_in_what_the_mail_server_said(bounces: Bounces) -> None:
    who, deputy = account(), CONTACT | {"recipient_id": "deputy", "email": f"{PRIVATE}@example.com", "kinds": None}
    await bounces.environment.publish(event("recipients_changed", who, 1, recipients=[deputy]))
    await bounces.email(who, 2, "ada@example.com")
    await eventually(bounces.notifier.nothing_is_queued)
    [told] = [one for one in await bounces.notifier.decisions(who) if one["recipient_id"]]
    detail = f"550 5.1.1 {PRIVATE}: no such user"
    await bounces.post(operator(), notification_id=told["notification_id"], kind="hard", detail=detail)
    assert ("bounced", "550 5.1.1 [address]: no such user") in await bounces.outcomes(who, 4)
    said = (await bounces.notifier.inbox(who))["messages"][0]["title"]
    assert said == "Emails to a further recipient no longer arrive"


async def has_been_told(bounces: Bounces, who: str, kinds: list[str]) -> bool:
    """Whether emails of these kinds, and no others, have been delivered to the deputy."""
    found = [one for one in await bounces.notifier.decisions(who) if one["recipient_id"] == "deputy"]
    return [(one["kind"], one["status"]) for one in reversed(found)] == [(kind, "delivered") for kind in kinds]


@pytest.mark.rule("R48", "R52")
async def test_nobody_is_told_instead_who_is_just_leaving_the_list(bounces: Bounces) -> None:
    """The email waits for a retry, its address is suppressed, and it is leased while the list is being emptied."""
    who, address, engine = account(), "later@example.com", bounces.notifier.engine
    deputy = CONTACT | {"recipient_id": "deputy", "email": "deputy@example.com", "kinds": []}
    await bounces.environment.publish(
        event("recipients_changed", who, 1, recipients=[deputy]),
        event("contact_changed", who, 2, contact=CONTACT | {"email": address}),
        event("renewal_due", who, 3),
    )
    await eventually(lambda: is_tried(bounces, who))
    async with transaction(engine) as connection:
        hashed = address_hash(bounces.settings, address)
        await suppressions.add(connection, [Suppression(hashed, "bounced", datetime.now(UTC), None)])
    async with transaction(engine) as leaving:
        await leaving.execute(EMPTY_THE_LIST, {"who": who})
        async with transaction(engine) as connection:
            await connection.execute(DUE_NOW, {"who": who})
        await eventually(lambda: waits_for_a_lock(engine))
    await eventually(lambda: bounces.notifier.has_email(who, "suppressed"))
    assert [one["recipient_id"] for one in await bounces.notifier.decisions(who) if one["channel"] == "email"] == [None]


EMPTY_THE_LIST: Final = text("UPDATE recipient SET further = NULL WHERE account_id = :who")
DUE_NOW: Final = text("UPDATE notification SET next_attempt_at = now() WHERE account_id = :who AND status = 'queued'")
WAITING: Final = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'")


async def is_tried(bounces: Bounces, who: str) -> bool:
    """Whether the relay has put the account's email off."""
    found = [one for one in await bounces.notifier.decisions(who, status="queued") if one["attempts"] == 1]
    return len(found) == 1 and not found[0]["under_way"]


async def waits_for_a_lock(engine: Engine) -> bool:
    async with transaction(engine) as connection:
        return bool((await connection.execute(WAITING)).scalar_one())


@pytest.mark.rule("R48")
async def test_complaints_suppress_soft_bounces_do_not_and_an_erasure_leaves_the_hash(
    bounces: Bounces,
) -> None:
    who, soft = account(), account()
    email = await bounces.email(who, 1, f"{PRIVATE}@example.com")
    full = await bounces.email(soft, 1, "bea@example.com")
    assert (await bounces.bounce("postfix_mailbox_full", full["notification_id"])).json()["kind"] == "soft"
    assert (await bounces.bounce("postfix_delayed", full["notification_id"])).json()["recorded"] is False
    assert (await bounces.email(soft, 2, "bea@example.com", "renewed"))["status"] == "delivered"
    [first] = [
        one for one in await bounces.notifier.decisions(soft) if one["notification_id"] == full["notification_id"]
    ]
    assert (first["status"], first["bounce"], first["bounce_detail"]) == (
        "delivered",
        "soft",
        "552 5.2.2 Mailbox is full",
    )

    assert (await bounces.bounce("ses_complaint", email["notification_id"])).json()["recorded"] is True
    assert [one["reason"] for one in await bounces.suppressions(who)] == ["complained"]
    assert (await bounces.notifier.inbox(who))["messages"][0]["kind"] == "email_complained"
    assert ("complained", "abuse") in await bounces.outcomes(who, 7)
    await bounces.environment.publish(event("erased", who, 2))
    await eventually(lambda: is_forgotten(bounces.notifier))
    everything = (await bounces.notifier.client.get("/api/suppressions", headers=operator())).json()
    [left] = everything["suppressions"]
    assert left["address_hash"] == address_hash(bounces.settings, f"{PRIVATE}@example.com")
    assert (left["notification_id"], everything["next"]) == (None, None)
    again = await bounces.bounce("generic_complaint", email["notification_id"])
    assert again.json()["recorded"] is False


async def is_forgotten(notifier: RunningNotifier) -> bool:
    async with transaction(notifier.engine) as connection:
        return not await found_in(connection, PRIVATE)


async def test_a_relay_that_refuses_the_address_is_a_hard_bounce_and_one_that_refuses_us_is_none(
    bounces: Bounces,
) -> None:
    gone, closed = account(), account()
    refused = await bounces.email(gone, 1, "gone@example.com")
    assert (refused["status"], refused["reason"], refused["bounce"]) == ("failed", "550 5.1.1 no such user", "hard")
    assert (await bounces.email(gone, 2, "gone@example.com", "renewed"))["status"] == "suppressed"
    assert (await bounces.notifier.inbox(gone))["messages"][1]["kind"] == "email_bounced"
    ended = await bounces.outcomes(gone, 5)
    assert [status for status, _ in ended] == ["failed", "bounced", "suppressed"]
    assert (await bounces.email(closed, 1, "closed@example.com"))["status"] == "failed"
    assert await bounces.suppressions(closed) == []
