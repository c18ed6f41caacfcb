"""Reports of mail that came back: who may send them, in which form, and what is refused."""

from notifier_service.bounces.address import envelope_id
from shared.web import limits
from tests.integration.notifier.bounces import MAIL, Bounces
from tests.kit.events import account
from tests.kit.mail_reports import report
from tests.kit.tokens import bearer, operator


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
        (operator(), {"email": "Ada <ada@example.com>", "kind": "hard"}, 422),
        (operator(), {"email": "ada.example.com", "kind": "hard"}, 422),
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
