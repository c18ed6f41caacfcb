"""Mail that comes back: who may report it, what follows for its address, and that a report counts once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx
import pytest
from sqlalchemy import text

from notifier_service.bounces.address import address_hash, envelope_id
from notifier_service.storage import suppressions
from notifier_service.storage.suppressions import Suppression
from shared.runtime.settings import Settings
from shared.storage.database import Engine, transaction
from shared.web import limits
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier, running_notifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.events import account
from tests.kit.mail_reports import report
from tests.kit.relay import ScriptedRelay, SmtpCommand, scripted_relay
from tests.kit.stored import found_in
from tests.kit.tokens import bearer, operator
from tests.kit.waiting import eventually

MAIL: Final = {"Content-Type": "message/rfc822"}
PRIVATE: Final = "zebedee"


def relay_script(command: SmtpCommand) -> str | None:
    if command.verb == "EHLO":
        return "250-relay.example\r\n250 DSN"
    refused = {
        "gone": "550 5.1.1 no such user",
        "closed": "554 5.7.1 relay access denied",
        "later": "451 4.3.0 try later",
    }
    return refused.get(command.recipient.partition("@")[0]) if command.verb == "RCPT" else None


class Bounces(NamedTuple):
    """A notifier that has sent through this relay; `settings` are those it runs with."""

    notifier: RunningNotifier
    relay: ScriptedRelay
    environment: Environment
    settings: Settings

    async def email(self, who: str, version: int, address: str, kind: str = "activated") -> dict[str, Any]:
        """The account's email of an event with this contact, once it has ended."""
        stated = {"contact": CONTACT | {"email": address}} if kind in ("activated", "contact_changed") else {}
        sent = event(kind, who, version, **stated)
        await self.environment.publish(sent)

        async def ended() -> dict[str, Any] | None:
            return next(
                (
                    one
                    for one in await self.notifier.decisions(who)
                    if (one["lifecycle_event_id"], one["channel"]) == (sent["id"], "email")
                    and one["recipient_id"] is None
                    and one["status"] != "queued"
                ),
                None,
            )

        return await eventually(ended) or {}

    async def bounce(self, name: str, notification_id: str, **headers: str) -> httpx.Response:
        mac = envelope_id(self.settings, notification_id).partition(".")[2]
        content = report(name, notification_id=notification_id, mac=mac)
        return await self.notifier.client.post("/bounces", content=content, headers=MAIL | headers)

    async def post(self, headers: dict[str, str] | None = None, **told: Any) -> httpx.Response:
        return await self.notifier.client.post("/bounces", json=told, headers=headers)

    async def suppressions(self, who: str) -> list[dict[str, Any]]:
        asked = {"account_id": who}
        answer = await self.notifier.client.get("/api/suppressions", headers=operator(), params=asked)
        return list(answer.raise_for_status().json()["suppressions"])

    async def outcomes(self, who: str, count: int) -> list[tuple[str, str | None]]:
        """(last word of the type, reason) of the emails of an account, once there are `count` outcomes of anybody."""
        found = [one for one in await self.environment.outcomes(count) if one["data"]["channel"] == "email"]
        return [(one["type"].split(".")[2], one["data"]["reason"]) for one in found if one["subject"] == who]


@pytest.fixture
async def bounces(settings: Settings, environment: Environment) -> AsyncIterator[Bounces]:
    async with scripted_relay(relay_script) as relay:
        own = {"smtp_host": "127.0.0.1", "smtp_port": relay.port, "bounce_domain": "bounces.tenure.example"}
        changed = settings.model_copy(update=own)
        async with running_notifier(changed) as notifier:
            yield Bounces(notifier, relay, environment, changed)


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


async def test_who_may_report_and_what_is_refused(bounces: Bounces) -> None:
    who = account()
    email = (await bounces.email(who, 1, "ada@example.com"))["notification_id"]
    mac = envelope_id(bounces.settings, email).partition(".")[2]
    unknown = "ntf-0123456789abcdef01234567"
    signed = envelope_id(bounces.settings, unknown).partition(".")[2]
    wrong = f"{mac[:-1]}{'0' if mac[-1] != '0' else '1'}"
    client = bounces.notifier.client
    [message] = [one["id"] for one in (await bounces.notifier.inbox(who))["messages"]]

    async def status(content: bytes, **headers: str) -> int:
        return (await client.post("/bounces", content=content, headers=MAIL | headers)).status_code

    hard = report("exim_unknown_user", notification_id=email, mac=mac)
    assert await status(hard.replace(mac.encode(), wrong.encode())) == 401
    assert await status(b"") == 401
    assert await status(b"x" * (limits.BOUNCE_BYTES + 1)) == 413
    assert await status(f"To: {email}.{mac}\n\nI am away.".encode()) == 422
    assert await status(f"To: {email}.{mac}\n".encode() + b"Content-Type: message/rfc822\n\n" * 9_000) == 422
    assert await status(report("ses_bounce", notification_id=unknown, mac=signed)) == 404
    assert await status(hard, **{"Content-Type": "text/plain"}) == 415
    assert await status(hard, **bearer(who)) == 403
    assert await status(b"Subject: nothing of ours", **operator()) == 422
    told = {"notification_id": email, "kind": "soft"}
    for headers, report_, expected in [
        (None, told, 401),
        (None, told | {"mac": wrong}, 401),
        (None, {"email": "ada@example.com", "kind": "hard"}, 401),
        (operator(), {"kind": "hard"}, 422),
        (operator(), told | {"email": "ada@example.com"}, 422),
        (operator(), told | {"kind": "weird"}, 422),
        (operator(), {"notification_id": message, "kind": "hard"}, 404),
        (operator(), {"notification_id": "ntf-1", "kind": "hard"}, 404),
    ]:
        answer = await bounces.post(headers, **report_)
        assert (answer.status_code, answer.headers["content-type"]) == (expected, "application/problem+json"), report_
    bad = b'{"notification_id": "\xff\xfe"}'
    assert (await client.post("/bounces", content=bad, headers={"Content-Type": "application/json"})).status_code == 422
    assert await bounces.suppressions(who) == []


async def test_a_report_in_json_names_an_email_or_from_an_operator_an_address(bounces: Bounces) -> None:
    who = account()
    email = (await bounces.email(who, 1, "ada@example.com"))["notification_id"]
    mac = envelope_id(bounces.settings, email).partition(".")[2]
    told = {"notification_id": email, "kind": "soft", "detail": "552 ada@example.com is full"}
    assert (await bounces.post(**told, mac=mac)).json()["recorded"] is True
    [kept] = [one for one in await bounces.notifier.decisions(who) if one["channel"] == "email"]
    assert kept["bounce_detail"] == "552 [address] is full"
    by_address = await bounces.post(operator(), email="ADA@Example.com", kind="complaint")
    assert by_address.json() == {"notification_id": email, "kind": "complaint", "recorded": True}
    nobody = await bounces.post(operator(), email="nobody@example.com", kind="hard")
    assert nobody.json() == {"notification_id": None, "kind": "hard", "recorded": True}
    assert (await bounces.email(account(), 1, "nobody@example.com"))["status"] == "suppressed"
