"""Which timers may need every server: a release, and the start of partial mode; no others load them."""

from datetime import timedelta
from typing import Final

import pytest

from subscription_service.domain.timers import may_touch_all_servers
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    purchase,
    renewal_with,
    specification,
    when,
)

BOUGHT: Final = when("2026-01-15 12:00")  # E is 2026-02-15, grace until 2026-02-23 00:00
RELEASE: Final = when("2026-02-23 00:00")
SECOND: Final = timedelta(seconds=1)
POLICY: Final = RULES.policy


@pytest.mark.rule("R35")
def test_a_release_needs_them_and_nothing_before_it_does() -> None:
    scenario = Scenario()
    assert not may_touch_all_servers(scenario.account, RELEASE, POLICY)
    scenario.receive(BOUGHT, purchase())
    assert not may_touch_all_servers(scenario.account, when("2026-02-16 00:00"), POLICY)
    assert may_touch_all_servers(scenario.account, RELEASE, POLICY)
    scenario.advance_to(when("2026-02-16 00:00"))
    assert not may_touch_all_servers(scenario.account, RELEASE - SECOND, POLICY)
    assert may_touch_all_servers(scenario.account, RELEASE, POLICY)
    scenario.advance_to(RELEASE)
    assert not may_touch_all_servers(scenario.account, RELEASE + timedelta(days=400), POLICY)


@pytest.mark.rule("R16")
def test_the_start_of_the_first_term_in_partial_mode_needs_them() -> None:
    scenario = Scenario()
    scenario.receive(BOUGHT, purchase())
    scenario.receive(BOUGHT, renewal_with(specification(mode="partial")))
    starts = when("2026-02-16 00:00")
    assert not may_touch_all_servers(scenario.account, starts - SECOND, POLICY)
    assert may_touch_all_servers(scenario.account, starts, POLICY)


@pytest.mark.rule("R16")
def test_the_start_of_a_further_term_in_partial_mode_does_not() -> None:
    scenario = Scenario()
    scenario.receive(BOUGHT, purchase(specification=specification(mode="partial")))
    scenario.receive(BOUGHT, renewal_with(specification(mode="partial", servers=20)))
    assert not may_touch_all_servers(scenario.account, when("2026-02-16 00:00"), POLICY)
