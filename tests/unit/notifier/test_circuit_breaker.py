"""When emails are held back: the relay's trouble does that, the trouble of single emails does not."""

import asyncio
from contextlib import suppress

import pytest

from notifier_service.delivery.circuit_breaker import (
    COMPONENT,
    INTERRUPTIONS_UNTIL_OPEN,
    CircuitState,
    RelayCircuitBreaker,
)
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from tests.kit.relay import scripted_relay
from tests.kit.waiting import eventually

LIMIT = 32


@pytest.fixture
def breaker() -> RelayCircuitBreaker:
    made = breaker_for(Settings(smtp_tls="none"), Health(COMPONENT))
    made._state = CircuitState.CLOSED
    return made


def breaker_for(settings: Settings, health: Health) -> RelayCircuitBreaker:
    return RelayCircuitBreaker(MailRelay(settings), health, wake=asyncio.Event())


def test_nothing_is_sent_before_the_relay_was_connected_to() -> None:
    assert breaker_for(Settings(smtp_tls="none"), Health(COMPONENT)).capacity(0, LIMIT) == 0


def test_a_relay_that_cannot_be_reached_holds_all_emails_back(breaker: RelayCircuitBreaker) -> None:
    breaker.record_failure(RelayUnreachable("the relay cannot be reached"))
    assert breaker.capacity(0, LIMIT) == 0


def test_emails_that_break_off_hold_others_back_only_when_many_do_in_a_row(breaker: RelayCircuitBreaker) -> None:
    for _ in range(INTERRUPTIONS_UNTIL_OPEN - 1):
        breaker.record_interruption("the connection broke (at RCPT)")
    assert breaker.capacity(0, LIMIT) == LIMIT
    breaker.record_interruption("the connection broke (at RCPT)")
    assert breaker.capacity(0, LIMIT) == 0


def test_a_reply_to_another_email_shows_that_the_relay_is_well(breaker: RelayCircuitBreaker) -> None:
    for _ in range(10):
        for _ in range(INTERRUPTIONS_UNTIL_OPEN - 1):
            breaker.record_interruption("the connection broke (at RCPT)")
        breaker.record_reply()
    assert breaker.capacity(0, LIMIT) == LIMIT


def test_after_an_outage_one_email_goes_first_and_its_reply_lets_the_others_follow(
    breaker: RelayCircuitBreaker,
) -> None:
    breaker.record_failure(RelayUnreachable("the relay cannot be reached"))
    breaker._connected()
    assert [breaker.capacity(unanswered, LIMIT) for unanswered in (0, 1, 8)] == [1, 0, 0]
    breaker.record_reply()
    assert breaker.capacity(8, LIMIT) == LIMIT


@pytest.mark.slow
async def test_health_shows_a_relay_that_goes_away_and_comes_back() -> None:
    health = Health(COMPONENT)
    async with scripted_relay(most=0) as scripted:
        breaker = breaker_for(Settings(smtp_tls="none", smtp_port=scripted.port), health)
        running = asyncio.create_task(breaker.run())
        await eventually(lambda: is_unready_with(health, "421"))
        scripted.most = None
        await eventually(lambda: is_ready(health))
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def is_unready_with(health: Health, text: str) -> bool:
    return text in health.unready.get(COMPONENT, "")


async def is_ready(health: Health) -> bool:
    return health.ready
