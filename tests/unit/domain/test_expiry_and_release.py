"""The end of the last term, grace, and release (R31, R32, R34, R35, R38)."""

from decimal import Decimal

import pytest

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Expired, Released, ReleaseDue, Renewed
from shared.contracts.lifecycle_parts import Quote
from shared.contracts.state import SubscriptionState
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.overview import overview
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    bound,
    day,
    purchase,
    recorded,
    registered,
    removed,
    renewal,
    renewal_with,
    specification,
    started,
    when,
)

PARTIAL = specification(mode="partial")
QUOTE = Quote(months=1, fee=Decimal("275.00"), currency="USD")


def furnished() -> Scenario:
    """A partial subscription with two bound servers and three configuration entries; E = 15 February 2026."""
    scenario = started("2026-01-15 09:00", specification=PARTIAL)
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), bound("s-1"), bound("s-2"))
    scenario.receive(
        "2026-01-16 10:00", recorded("a"), recorded("b"), recorded("web", "asset_group", {"servers": ["s-1"]})
    )
    return scenario


@pytest.mark.rule("R31")
def test_at_the_end_of_the_last_term_protection_ends_and_grace_begins() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-15 23:59:59")
    assert scenario.active.terms
    (emitted,) = scenario.advance_to("2026-02-16 00:00:00")
    assert emitted == Expired(
        expires_on=day("2026-02-15"),
        retained_until=when("2026-02-23 00:00"),
        retained={"asset_group": 1, "tag": 2},
        specification=PARTIAL,
        quote=QUOTE,
    )
    document = overview(scenario.account, revision=1, as_of=when("2026-02-16 00:00"), rules=RULES)
    assert (document.state, document.protected_assets) == (SubscriptionState.GRACE, 0)
    assert document.retained_until == when("2026-02-23 00:00")


@pytest.mark.rule("R31")
def test_a_pending_renewal_carries_on_without_an_expiry() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-02-15 23:59:59", renewal())
    scenario.advance_to("2026-03-15 23:59:59")
    assert scenario.times(Expired) == []
    scenario.advance_to("2026-03-16 00:00:00")
    assert scenario.times(Expired) == [when("2026-03-16 00:00")]


@pytest.mark.rule("R32")
def test_in_grace_everything_is_retained_unchanged() -> None:
    scenario = furnished()
    before = scenario.account
    scenario.advance_to("2026-02-22 23:59:59")
    after = scenario.account
    assert (after.configuration, after.retained) == (before.configuration, before.retained)
    assert (after.servers, after.bound) == (before.servers, before.bound)


@pytest.mark.rule("R32")
@pytest.mark.parametrize("order", [renewal(), renewal_with(specification("enterprise", "partial", servers=2))])
def test_a_renewal_in_grace_gives_all_of_it_back(order: InboundData) -> None:
    scenario = furnished()
    before = scenario.account
    scenario.advance_to("2026-02-22 23:59:59")
    renewed = scenario.receive("2026-02-22 23:59:59", order)[0]
    assert isinstance(renewed, Renewed)
    assert renewed.reactivated
    assert renewed.retained == {"asset_group": 1, "tag": 2}
    assert scenario.active.anchor_day == 15
    assert (scenario.account.configuration, scenario.account.bound) == (before.configuration, before.bound)
    scenario.advance_to("2026-02-28 00:00")
    assert scenario.times(Released) == []


@pytest.mark.rule("R34")
def test_one_day_before_release_a_last_warning_comes() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-22 09:59:59")
    assert scenario.times(ReleaseDue) == []
    (emitted,) = scenario.advance_to("2026-02-22 10:00:00")
    assert emitted == ReleaseDue(
        release_at=when("2026-02-23 00:00"),
        retained={"asset_group": 1, "tag": 2},
        expires_on=day("2026-02-15"),
        specification=PARTIAL,
        quote=QUOTE,
    )


@pytest.mark.rule("R34")
def test_one_that_was_renewed_gets_no_last_warning() -> None:
    scenario = furnished()
    scenario.receive("2026-02-22 09:59:59", renewal())
    scenario.advance_to("2026-02-25 00:00")
    assert scenario.times(ReleaseDue) == []


@pytest.mark.rule("R35")
def test_release_comes_at_the_promised_instant_and_takes_configuration_and_bindings() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-22 23:59:59")
    assert scenario.grace.retained_until == when("2026-02-23 00:00")
    (event,) = scenario.advance_to("2026-02-23 00:00:00")
    assert event == Released(
        released_at=when("2026-02-23 00:00"),
        purged={"asset_group": 1, "tag": 2},
        edition="basic",
        specification=PARTIAL,
    )
    assert (scenario.account.configuration, scenario.account.retained) == ({}, {})
    assert scenario.account.bound == ServerTotals(0, 0)
    assert not any(server.bound for server in scenario.account.servers.values())
    assert scenario.account.registered == ServerTotals(2, 8)


@pytest.mark.rule("R35")
def test_after_release_the_overview_is_basic() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-23 00:00")
    document = overview(scenario.account, revision=1, as_of=when("2026-02-23 00:00"), rules=RULES)
    assert (document.state, document.edition) == (SubscriptionState.RELEASED, "basic")
    assert (document.terms, document.specification, document.expires_on) == ((), None, None)
    assert (document.purchased_quota.servers, document.purchased_quota.cores) == (None, None)
    assert (document.protected_assets, document.remaining_anti_ransomware_gb) == (0, 0)
    assert (document.auto_renewal.enabled, document.next_action) == (False, None)
    assert (document.registered.servers, document.bound.servers) == (2, 0)


@pytest.mark.rule("R35")
def test_late_configuration_events_change_nothing() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-23 00:00")
    scenario.receive("2026-02-20 09:00", recorded("late"), now=when("2026-02-23 09:00"))
    scenario.receive("2026-02-23 09:00", recorded("later"), removed("a"))
    assert (scenario.account.configuration, scenario.account.retained) == ({}, {})


@pytest.mark.rule("R5", "R35")
def test_after_a_new_purchase_only_newer_configuration_counts() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-23 00:00")
    scenario.receive("2026-03-01 09:00:00", purchase("p-2"))
    scenario.receive("2026-03-01 08:59:59", recorded("old"), now=when("2026-03-01 09:00:05"))
    assert scenario.account.retained == {}
    scenario.receive("2026-03-01 09:00:00", recorded("new"), now=when("2026-03-01 09:00:05"))
    assert dict(scenario.account.retained) == {"tag": 1}


@pytest.mark.rule("R38")
def test_configuration_before_the_first_purchase_counts() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", recorded("early"))
    scenario.receive("2026-01-15 09:00", purchase())
    assert dict(scenario.account.retained) == {"tag": 1}


@pytest.mark.rule("R31", "R37")
def test_removed_configuration_entries_are_not_counted() -> None:
    scenario = furnished()
    scenario.receive("2026-01-17 09:00", removed("a"))
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.only(Expired).retained == {"asset_group": 1, "tag": 1}


@pytest.mark.rule("R32", "R37")
def test_in_grace_configuration_and_bindings_still_follow_their_events() -> None:
    scenario = furnished()
    scenario.advance_to("2026-02-17 00:00")
    scenario.receive("2026-02-17 09:00", recorded("c"), registered("s-3"), bound("s-3"))
    assert scenario.account.retained == {"tag": 3, "asset_group": 1}
    assert scenario.account.bound == ServerTotals(3, 12)
