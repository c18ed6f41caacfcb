"""A notifier whose relay refuses some addresses, and what tests ask of it about mail that comes back."""

from typing import Any, Final, NamedTuple

import httpx

from notifier_service.bounces.address import envelope_id
from shared.runtime.settings import Settings
from tests.integration.notifier.environment import Environment
from tests.integration.notifier.running import RunningNotifier
from tests.integration.notifier.samples import CONTACT, event
from tests.kit.mail_reports import report
from tests.kit.relay import ScriptedRelay, SmtpCommand
from tests.kit.tokens import operator
from tests.kit.waiting import eventually

MAIL: Final = {"Content-Type": "message/rfc822"}


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
