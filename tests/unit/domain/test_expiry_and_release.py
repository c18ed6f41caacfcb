"""The end of the last term, grace, and release (R31, R32, R34, R35, R38)."""

import pytest

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Expired, Released, ReleaseDue, Renewed
from shared.contracts.state import SubscriptionState
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.overview import overview
from tests.unit.domain.story import (
    RULES,
    Story,
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


def furnished() -> Story:
    """A partial subscription with two bound servers and three settings; E = 15 February 2026."""
    story = started("2026-01-15 09:00", specification=PARTIAL)
    story.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"), bound("s-1"), bound("s-2"))
    story.hear("2026-01-16 10:00", recorded("a"), recorded("b"), recorded("web", "asset_group", {"servers": ["s-1"]}))
    return story


@pytest.mark.rule("R31")
def test_at_the_end_of_the_last_term_protection_ends_and_grace_begins() -> None:
    story = furnished()
    story.wait("2026-02-15 23:59:59")
    assert story.active.terms
    (said,) = story.wait("2026-02-16 00:00:00")
    assert said == Expired(
        expires_on=day("2026-02-15"),
        retained_until=when("2026-02-23 00:00"),
        retained={"asset_group": 1, "tag": 2},
    )
    document = overview(story.account, revision=1, as_of=when("2026-02-16 00:00"), rules=RULES)
    assert (document.state, document.protected_assets) == (SubscriptionState.GRACE, 0)
    assert document.retained_until == when("2026-02-23 00:00")


@pytest.mark.rule("R31")
def test_a_pending_renewal_carries_on_without_an_expiry() -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-02-15 23:59:59", renewal())
    story.wait("2026-03-15 23:59:59")
    assert story.times(Expired) == []
    story.wait("2026-03-16 00:00:00")
    assert story.times(Expired) == [when("2026-03-16 00:00")]


@pytest.mark.rule("R32")
def test_in_grace_everything_is_retained_unchanged() -> None:
    story = furnished()
    before = story.account
    story.wait("2026-02-22 23:59:59")
    after = story.account
    assert (after.configuration, after.retained) == (before.configuration, before.retained)
    assert (after.servers, after.bound) == (before.servers, before.bound)


@pytest.mark.rule("R32")
@pytest.mark.parametrize("order", [renewal(), renewal_with(specification("enterprise", "partial", servers=2))])
def test_a_renewal_in_grace_gives_all_of_it_back(order: InboundData) -> None:
    story = furnished()
    before = story.account
    story.wait("2026-02-22 23:59:59")
    renewed = story.hear("2026-02-22 23:59:59", order)[0]
    assert isinstance(renewed, Renewed)
    assert renewed.reactivated
    assert story.active.anchor_day == 15
    assert (story.account.configuration, story.account.bound) == (before.configuration, before.bound)
    story.wait("2026-02-28 00:00")
    assert story.times(Released) == []


@pytest.mark.rule("R34")
def test_one_day_before_release_a_last_warning_comes() -> None:
    story = furnished()
    story.wait("2026-02-22 09:59:59")
    assert story.times(ReleaseDue) == []
    (said,) = story.wait("2026-02-22 10:00:00")
    assert said == ReleaseDue(release_at=when("2026-02-23 00:00"), retained={"asset_group": 1, "tag": 2})


@pytest.mark.rule("R34")
def test_one_that_was_renewed_gets_no_last_warning() -> None:
    story = furnished()
    story.hear("2026-02-22 09:59:59", renewal())
    story.wait("2026-02-25 00:00")
    assert story.times(ReleaseDue) == []


@pytest.mark.rule("R35")
def test_release_comes_at_the_promised_instant_and_takes_configuration_and_bindings() -> None:
    story = furnished()
    story.wait("2026-02-22 23:59:59")
    assert story.grace.retained_until == when("2026-02-23 00:00")
    (said,) = story.wait("2026-02-23 00:00:00")
    assert said == Released(released_at=when("2026-02-23 00:00"), purged={"asset_group": 1, "tag": 2}, edition="basic")
    assert (story.account.configuration, story.account.retained) == ({}, {})
    assert story.account.bound == ServerTotals(0, 0)
    assert not any(server.bound for server in story.account.servers.values())
    assert story.account.registered == ServerTotals(2, 8)


@pytest.mark.rule("R35")
def test_after_release_the_overview_is_basic() -> None:
    story = furnished()
    story.wait("2026-02-23 00:00")
    document = overview(story.account, revision=1, as_of=when("2026-02-23 00:00"), rules=RULES)
    assert (document.state, document.edition) == (SubscriptionState.RELEASED, "basic")
    assert (document.terms, document.specification, document.expires_on) == ((), None, None)
    assert (document.purchased_quota.servers, document.purchased_quota.cores) == (None, None)
    assert (document.protected_assets, document.remaining_anti_ransomware_gb) == (0, 0)
    assert (document.auto_renewal.enabled, document.next_action) == (False, None)
    assert (document.registered.servers, document.bound.servers) == (2, 0)


@pytest.mark.rule("R35")
def test_late_configuration_events_change_nothing() -> None:
    story = furnished()
    story.wait("2026-02-23 00:00")
    story.hear("2026-02-20 09:00", recorded("late"), now=when("2026-02-23 09:00"))
    story.hear("2026-02-23 09:00", recorded("later"), removed("a"))
    assert (story.account.configuration, story.account.retained) == ({}, {})


@pytest.mark.rule("R5", "R35")
def test_after_a_new_purchase_only_newer_configuration_counts() -> None:
    story = furnished()
    story.wait("2026-02-23 00:00")
    story.hear("2026-03-01 09:00:00", purchase("p-2"))
    story.hear("2026-03-01 08:59:59", recorded("old"), now=when("2026-03-01 09:00:05"))
    assert story.account.retained == {}
    story.hear("2026-03-01 09:00:00", recorded("new"), now=when("2026-03-01 09:00:05"))
    assert dict(story.account.retained) == {"tag": 1}


@pytest.mark.rule("R38")
def test_configuration_before_the_first_purchase_counts() -> None:
    story = Story()
    story.hear("2026-01-10 09:00", recorded("early"))
    story.hear("2026-01-15 09:00", purchase())
    assert dict(story.account.retained) == {"tag": 1}


@pytest.mark.rule("R31", "R37")
def test_removed_settings_are_not_counted() -> None:
    story = furnished()
    story.hear("2026-01-17 09:00", removed("a"))
    story.wait("2026-02-16 00:00")
    assert story.only(Expired).retained == {"asset_group": 1, "tag": 1}


@pytest.mark.rule("R32", "R37")
def test_in_grace_configuration_and_bindings_still_follow_their_events() -> None:
    story = furnished()
    story.wait("2026-02-17 00:00")
    story.hear("2026-02-17 09:00", recorded("c"), registered("s-3"), bound("s-3"))
    assert story.account.retained == {"tag": 3, "asset_group": 1}
    assert story.account.bound == ServerTotals(3, 12)
