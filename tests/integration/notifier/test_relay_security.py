"""TLS and login at the relay, against a real server that requires them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from notifier_service.content.mail_composer import Mail
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.settings import BadSettings, Settings
from tenure.local.mail import MailServer
from tests.kit.parts import running

LOGIN = ("tenure", "a password: with a colon")
MAIL = Mail(notification_id="ntf-1", recipient="ada@example.com", content=b"Subject: hello\r\n\r\nhello\r\n")


@pytest.fixture(params=["starttls", "tls"])
def guarded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MailServer]:
    """A mail server that wants TLS and a login."""
    server = MailServer(tmp_path)
    server.tls = request.param
    server.login = LOGIN
    yield from running(server)


def settings(server: MailServer, **given: Any) -> Settings:
    host, _, port = server.smtp.rpartition(":")
    plain = {"smtp_host": host, "smtp_port": int(port), "smtp_tls": server.tls, "smtp_ca_file": server.certificate}
    login = {"smtp_username": LOGIN[0], "smtp_password": LOGIN[1]}
    return Settings.model_validate(plain | login | given)


async def send(mail_relay: MailRelay) -> Attempted:
    return await mail_relay.send(MAIL, nothing)


async def nothing() -> None:
    """Before `DATA` there is nothing to look at."""


@asynccontextmanager
async def relay(settings: Settings) -> AsyncIterator[MailRelay]:
    made = MailRelay(settings)
    try:
        yield made
    finally:
        await made.close()


async def test_a_mail_is_sent_over_a_verified_connection_with_login(guarded: MailServer) -> None:
    async with relay(settings(guarded)) as mail_relay:
        for _ in range(2):
            assert (await send(mail_relay)).meaning is StepMeaning.DELIVERED


async def test_an_untrusted_certificate_makes_the_relay_unreachable(guarded: MailServer) -> None:
    async with relay(settings(guarded, smtp_ca_file=None)) as mail_relay:
        with pytest.raises(RelayUnreachable):
            await send(mail_relay)


async def test_a_wrong_login_makes_the_relay_unreachable(guarded: MailServer) -> None:
    async with relay(settings(guarded, smtp_password="wrong")) as mail_relay:
        with pytest.raises(RelayUnreachable) as raised:
            await send(mail_relay)
    assert str(raised.value) == "the relay refuses the login (535): see TENURE_SMTP_USERNAME and _PASSWORD"


async def test_a_missing_login_makes_the_relay_unreachable(guarded: MailServer) -> None:
    async with relay(settings(guarded, smtp_username=None, smtp_password=None)) as mail_relay:
        with pytest.raises(RelayUnreachable):
            await send(mail_relay)


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_relay_without_tls_is_unreachable_where_tls_is_required(
    mail: MailServer, tls: Literal["starttls", "tls"]
) -> None:
    plain = settings(mail, smtp_tls=tls, smtp_ca_file=None, smtp_username=None, smtp_password=None)
    async with relay(plain) as mail_relay:
        with pytest.raises(RelayUnreachable):
            await send(mail_relay)


async def test_one_connection_sends_many_mails_and_a_broken_one_is_replaced(mail: MailServer) -> None:
    plain = settings(mail, smtp_ca_file=None, smtp_username=None, smtp_password=None)
    async with relay(plain) as mail_relay:
        assert (await send(mail_relay)).meaning is StepMeaning.DELIVERED
        await mail.kill()
        with pytest.raises(RelayUnreachable):
            await send(mail_relay)
        await mail.start()
        assert (await send(mail_relay)).meaning is StepMeaning.DELIVERED


@pytest.mark.parametrize("half", [{"smtp_username": "tenure"}, {"smtp_password": "secret"}])
def test_a_login_with_half_of_it_missing_stops_the_start(half: dict[str, str]) -> None:
    with pytest.raises(BadSettings, match="TENURE_SMTP_USERNAME and TENURE_SMTP_PASSWORD: a login needs both"):
        MailRelay(Settings.model_validate({"smtp_tls": "none", **half}))


def test_a_missing_ca_file_stops_the_start() -> None:
    with pytest.raises(BadSettings, match="TENURE_SMTP_CA_FILE"):
        MailRelay(Settings.model_validate({"smtp_ca_file": "/does/not/exist", "smtp_tls": "tls"}))
