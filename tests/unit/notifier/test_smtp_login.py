"""What the notifier says to a relay before any mail: its name, and a login that the relay offers."""

from base64 import b64encode

import pytest

from notifier_service.delivery.smtp.stages import StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from tests.kit.relay import Answer, SmtpCommand
from tests.unit.notifier.test_smtp_connections import relay_with, send

CHALLENGE = b"<1896.697170952@relay.example>"


@pytest.mark.parametrize(
    ("domain", "greeting"), [("mail.example", "EHLO mail.example"), ("localhost", "EHLO [127.0.0.1]")]
)
async def test_the_relay_is_greeted_with_a_full_name_or_an_address(domain: str, greeting: str) -> None:
    async with relay_with(mail_domain=domain) as (relay, scripted):
        await send(relay)
        assert scripted.commands[0] == (1, greeting)


@pytest.mark.parametrize(
    ("offer", "mechanism", "answers"),
    [
        ("AUTH PLAIN LOGIN", "PLAIN", ["\0tenure\0a: secret"]),
        ("AUTH=LOGIN PLAIN", "PLAIN", ["\0tenure\0a: secret"]),
        ("auth login", "LOGIN", ["tenure", "a: secret"]),
        ("AUTH PLAIN CRAM-MD5", "CRAM-MD5", ["tenure 4ba65236d8823801413216fc963982b0"]),
    ],
)
async def test_a_login_uses_what_the_relay_offers(offer: str, mechanism: str, answers: list[str]) -> None:
    def script(command: SmtpCommand) -> Answer:
        if command.verb == "EHLO":
            return f"250-relay\r\n250 {offer}"
        if command.verb != "AUTH" and b64encode(answers[-1].encode()).decode() == command.line:
            return "235 2.7.0 welcome"
        known = ("MAIL", "RCPT", "DATA", ".", "QUIT", "CONNECT")
        return None if command.verb in known else f"334 {b64encode(CHALLENGE).decode()}"

    async with relay_with(script, smtp_username="tenure", smtp_password="a: secret") as (relay, scripted):
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        lines = [line for _, line in scripted.commands[1:-3]]
        assert lines == [f"AUTH {mechanism}", *(b64encode(answer.encode()).decode() for answer in answers)]


async def test_a_relay_without_a_login_of_ours_is_unreachable() -> None:
    async with relay_with(smtp_username="tenure", smtp_password="secret") as (relay, _):
        with pytest.raises(RelayUnreachable, match="none of these logins"):
            await send(relay)
