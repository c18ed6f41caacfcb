"""Lives of an account, run event by event: what the properties look at."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate

from subscription_service.domain.model import Account
from tests.unit.domain.scenario import Scenario, rules, when
from tests.unit.domain.strategies import Life

BIRTH = when("2023-12-31 11:30")
AFTERWARDS = timedelta(days=60)


def lived(life: Life, days: tuple[int, ...] = (7,), after: timedelta = AFTERWARDS) -> Scenario:
    """A life that begins with a purchase on the last day of a month."""
    scenario = Scenario(rules=rules(reminder_days=days))
    commands = [life.bought, *[command for _, command in life.steps]]
    for time, command in zip(instants(life), commands, strict=True):
        scenario.receive(time, command)
    scenario.advance_to(instants(life)[-1] + after)
    return scenario


def instants(life: Life) -> list[datetime]:
    """When each event happens, the purchase first."""
    return list(accumulate((pause for pause, _ in life.steps), lambda time, pause: time + pause, initial=BIRTH))


def rebuilt(account: Account) -> tuple[object, ...]:
    """What the lifecycle alone rebuilds."""
    return account.subscription, account.contact, account.version


def states(life: Life) -> Iterator[Account]:
    """The account after each of its events, and at the end."""
    scenario = Scenario()
    commands = [life.bought, *[command for _, command in life.steps]]
    for time, command in zip(instants(life), commands, strict=True):
        scenario.receive(time, command)
        yield scenario.account
    scenario.advance_to(instants(life)[-1] + AFTERWARDS)
    yield scenario.account
