"""The address to which a bounce returns: it names the mail, fits the envelope, and nobody else can make one."""

from typing import Any, Final

import pytest

from notifier_service.bounces.address import envelope_id, envelope_sender, may_report
from notifier_service.decisions.plan import notification_id
from notifier_service.delivery.attempt import Attempted
from notifier_service.delivery.smtp.stages import StepMeaning
from shared.contracts.outcomes import Channel
from shared.runtime.settings import BadSettings, Settings, load
from tests.unit.notifier.test_smtp_connections import relay_with, send

SECRET: Final = "s" * 32
SIGNED: Final[Any] = {"auth_secret": SECRET, "bounce_domain": "bounces.example"}
WITH_DSN: Final = "250-relay.example\r\n250-DSN\r\n250 8BITMIME"


def settings(**given: Any) -> Settings:
    return Settings.model_validate({"mail_from": "Tenure <renewals@tenure.example>", **given})


def test_the_envelope_sender_names_the_notification_and_is_signed() -> None:
    local_part, _, domain = envelope_sender(settings(**SIGNED), "ntf-1").partition("@")
    assert domain == "bounces.example"
    assert local_part == f"bounce+{envelope_id(settings(**SIGNED), 'ntf-1')}"
    name, _, mac = local_part.removeprefix("bounce+").partition(".")
    assert name == "ntf-1"
    assert may_report(settings(**SIGNED), "ntf-1", mac)
    assert may_report(settings(**SIGNED), "ntf-1", mac.upper())


def test_a_signature_counts_for_its_notification_and_secret_alone() -> None:
    _, _, mac = envelope_id(settings(**SIGNED), "ntf-1").partition(".")
    assert not may_report(settings(**SIGNED), "ntf-2", mac)
    assert not may_report(settings(auth_secret="t" * 32), "ntf-1", mac)
    assert not may_report(settings(), "ntf-1", mac)
    assert not may_report(settings(**SIGNED), "ntf-1", "")


def test_an_address_fits_what_smtp_takes() -> None:
    longest = settings(auth_secret=SECRET, bounce_domain=f"{'a' * 63}.{'b' * 63}.{'c' * 63}.d")
    sender = envelope_sender(longest, notification_id("evt-1", Channel.EMAIL))
    assert len(sender.partition("@")[0]) <= 64
    assert len(sender) <= 254


def test_without_a_domain_bounces_come_to_the_sender() -> None:
    assert envelope_sender(settings(auth_secret=SECRET), "ntf-1") == "renewals@tenure.example"
    assert envelope_id(settings(), "ntf-1") == "ntf-1"


def test_a_domain_needs_the_secret_to_sign_its_addresses_with() -> None:
    with pytest.raises(BadSettings, match="TENURE_BOUNCE_DOMAIN: needs TENURE_AUTH_SECRET"):
        load({"TENURE_BOUNCE_DOMAIN": "bounces.example"})


async def test_a_relay_with_dsn_is_asked_for_headers_and_told_which_mail_it_is() -> None:
    async with relay_with(lambda command: WITH_DSN if command.verb == "EHLO" else None, **SIGNED) as (relay, scripted):
        assert await send(relay) == Attempted(StepMeaning.DELIVERED, "250 2.0.0 queued")
        identity = envelope_id(settings(**SIGNED), "ntf-1")
        asked = f"MAIL FROM:<bounce+{identity}@bounces.example> RET=HDRS ENVID={identity}"
        assert asked in [line for _, line in scripted.commands]


async def test_a_relay_without_dsn_is_asked_for_nothing_that_it_does_not_know() -> None:
    async with relay_with(**SIGNED) as (relay, scripted):
        assert (await send(relay)).meaning is StepMeaning.DELIVERED
        [sender] = [line for _, line in scripted.commands if line.startswith("MAIL")]
        assert sender.endswith("@bounces.example>")
