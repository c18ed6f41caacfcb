"""Lives of an account, run event by event: what the properties look at."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

from shared.contracts.acts import RenewalCancelled, SubscriptionExtended
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import LifecycleData
from subscription_service.domain.model import Account, Active, Grace, Subscription
from tests.unit.domain.scenario import Scenario, rules, when
from tests.unit.domain.strategies import LAST_ORDER, PRESENT_E, Life

BIRTH = when("2023-12-31 11:30")
AFTERWARDS = timedelta(days=60)


def lived(life: Life, after: timedelta = AFTERWARDS, **policy: Any) -> Scenario:
    """A life that begins with a purchase on the last day of a month."""
    scenario = Scenario(rules=rules(**policy))
    for time, command in timed(life):
        take(scenario, time, command)
    scenario.advance_to(instants(life)[-1] + after)
    return scenario


def timed(life: Life) -> list[tuple[datetime, InboundData]]:
    """When each event happens, and the event; the purchase first."""
    commands = [life.bought, *[command for _, command in life.steps]]
    return list(zip(instants(life), commands, strict=True))


def take(scenario: Scenario, time: datetime, command: InboundData) -> list[LifecycleData]:
    """Take in one event of a life."""
    scenario.advance_to(time)
    return scenario.receive(time, about_the_last_term(command, scenario.account.subscription))


def about_the_last_term(command: InboundData, subscription: Subscription | None) -> InboundData:
    """An act on the last order, or on the present E, with what that is now."""
    if not isinstance(subscription, Active | Grace):
        return command
    last = subscription.terms[-1]
    if isinstance(command, RenewalCancelled) and command.order_id == LAST_ORDER:
        return replace(command, order_id=last.order_id)
    if isinstance(command, SubscriptionExtended) and command.expected_expires_on == PRESENT_E:
        return replace(command, expected_expires_on=last.expires_on)
    return command


def instants(life: Life) -> list[datetime]:
    """When each event happens, the purchase first."""
    return list(accumulate((pause for pause, _ in life.steps), lambda time, pause: time + pause, initial=BIRTH))


def rebuilt(account: Account) -> tuple[object, ...]:
    """What the lifecycle alone rebuilds."""
    return account.subscription, account.contact, account.recipients.entries, account.version


def states(life: Life) -> Iterator[Account]:
    """The account after each of its events, and at the end."""
    scenario = Scenario()
    for time, command in timed(life):
        take(scenario, time, command)
        yield scenario.account
    scenario.advance_to(instants(life)[-1] + AFTERWARDS)
    yield scenario.account
