"""Quota in use: binding within it, and the flag (R33, R36)."""

import pytest

from shared.contracts.lifecycle import QuotaExceeded, QuotaRestored, Renewed, SpecificationChanged
from shared.contracts.lifecycle_parts import BoundQuotaUse, QuotaUse
from shared.contracts.types import ProtectionMode
from subscription_service.domain.model import ServerTotals
from tests.unit.domain.story import (
    Story,
    bound,
    change,
    credit,
    refusal,
    registered,
    released,
    renewal,
    renewal_with,
    resized,
    snapshot,
    specification,
    started,
    unbound,
    when,
)

TWO = specification("ultimate", "full", servers=2, cores=8)
PARTIAL = specification("ultimate", "partial", servers=2, cores=8)


def partial() -> Story:
    story = started(specification=PARTIAL)
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}", 3) for n in range(1, 5)])
    return story


@pytest.mark.rule("R33")
def test_the_flag_is_raised_when_the_inventory_passes_the_quota_and_lowered_when_it_fits_again() -> None:
    story = started(specification=TWO)
    assert story.hear("2026-01-16 09:00", registered("s-1"), registered("s-2")) == []
    (exceeded,) = story.hear("2026-01-16 10:00", registered("s-3", 1))
    assert exceeded == QuotaExceeded(
        protection_mode=ProtectionMode.FULL,
        servers=QuotaUse(registered=3, quota=2),
        cores=QuotaUse(registered=9, quota=8),
    )
    assert story.hear("2026-01-16 11:00", registered("s-4", 1)) == []
    assert story.hear("2026-01-16 12:00", released("s-4")) == []
    (restored,) = story.hear("2026-01-16 13:00", released("s-3"))
    assert restored == QuotaRestored(
        protection_mode=ProtectionMode.FULL,
        servers=QuotaUse(registered=2, quota=2),
        cores=QuotaUse(registered=8, quota=8),
    )


@pytest.mark.rule("R7", "R33")
@pytest.mark.parametrize(("edition", "flips"), [("advanced", False), ("anti-virus", True), ("value-added", False)])
def test_only_what_the_edition_counts_raises_the_flag(edition: str, flips: bool) -> None:
    story = started(specification=specification(edition, servers=2, cores=8))
    said = story.hear("2026-01-16 09:00", registered("s-1", 9))
    assert bool(said) is flips
    if flips:
        assert isinstance(said[0], QuotaExceeded)
        assert (said[0].servers, said[0].cores) == (None, QuotaUse(registered=9, quota=8))


@pytest.mark.rule("R33")
def test_a_growing_server_can_raise_the_flag_by_its_cores_alone() -> None:
    story = started(specification=TWO)
    story.hear("2026-01-16 09:00", registered("s-1"))
    assert story.hear("2026-01-16 10:00", resized("s-1", 8)) == []
    assert isinstance(story.hear("2026-01-16 11:00", resized("s-1", 9))[0], QuotaExceeded)


@pytest.mark.rule("R33")
def test_in_partial_mode_the_flag_follows_what_is_bound() -> None:
    story = partial()
    story.hear("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    (said,) = story.hear("2026-01-16 11:00", resized("s-1", 6))
    assert said == QuotaExceeded(
        protection_mode=ProtectionMode.PARTIAL,
        servers=BoundQuotaUse(bound=2, quota=2),
        cores=BoundQuotaUse(bound=9, quota=8),
    )
    assert isinstance(story.hear("2026-01-16 12:00", unbound("s-2"))[0], QuotaRestored)


@pytest.mark.rule("R33")
def test_a_snapshot_is_a_fact_and_can_raise_the_flag_of_what_is_bound() -> None:
    story = partial()
    (said,) = story.hear("2026-01-17 09:00", snapshot({f"s-{n}": (1, True) for n in range(5)}))
    assert isinstance(said, QuotaExceeded)
    assert story.account.bound == ServerTotals(5, 5)


@pytest.mark.rule("R33")
def test_a_term_s_start_flips_the_flag() -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-01-16 09:00", renewal_with(specification("ultimate", servers=2, cores=8)))
    story.hear("2026-01-17 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    changed, exceeded = story.wait("2026-02-16 00:00")
    assert isinstance(changed, SpecificationChanged)
    assert isinstance(exceeded, QuotaExceeded)
    assert story.times(QuotaExceeded) == [when("2026-02-16 00:00")]


@pytest.mark.rule("R26", "R33")
def test_a_renewal_does_not_say_again_what_was_said() -> None:
    story = started("2026-01-15 09:00", specification=TWO, auto_renewal=True)
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)], credit("1000.00"))
    assert [type(event) for event in story.wait("2026-02-06 08:00")] == [Renewed]
    assert story.active.quota_exceeded


@pytest.mark.rule("R33")
def test_in_grace_the_flag_rests_and_a_reactivation_flips_it() -> None:
    story = started("2026-01-15 09:00", specification=TWO)
    story.wait("2026-02-16 00:00")
    assert story.hear("2026-02-17 09:00", *[registered(f"s-{n}", 1) for n in range(3)]) == []
    bigger = renewal_with(specification("ultimate", servers=3, cores=8))
    assert [type(event) for event in story.hear("2026-02-18 09:00", bigger)] == [Renewed, SpecificationChanged]
    other = started("2026-01-15 09:00", specification=PARTIAL)
    other.hear("2026-01-16 09:00", registered("s-1"), bound("s-1"))
    other.wait("2026-02-16 00:00")
    assert other.hear("2026-02-17 09:00", resized("s-1", 9)) == []
    assert [type(event) for event in other.hear("2026-02-18 09:00", renewal())] == [Renewed, QuotaExceeded]


@pytest.mark.rule("R33")
def test_a_switch_to_partial_mode_lowers_a_raised_flag() -> None:
    story = started(specification=TWO)
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    changed, restored = story.hear("2026-01-16 10:00", change(PARTIAL))
    assert isinstance(changed, SpecificationChanged)
    assert isinstance(restored, QuotaRestored)
    assert restored.servers == BoundQuotaUse(bound=2, quota=2)


@pytest.mark.rule("R36")
def test_quota_is_bound_and_unbound_within_what_was_purchased() -> None:
    story = partial()
    assert story.hear("2026-01-16 10:00", bound("s-1"), bound("s-2")) == []
    said = refusal(story.hear("2026-01-16 11:00", bound("s-3")))
    assert (said.code, said.required, said.offered, said.order_id) == ("quota_exhausted", 3, 2, None)
    assert said.order_type == "tenure.server.bound.v1"
    story.hear("2026-01-16 12:00", unbound("s-1"))
    assert story.hear("2026-01-16 13:00", bound("s-3")) == []
    assert story.account.bound == ServerTotals(2, 6)


@pytest.mark.rule("R36")
def test_cores_exhaust_the_quota_too_but_servers_are_named_first() -> None:
    story = started(specification=specification("ultimate", "partial", servers=2, cores=5))
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}", 3) for n in range(1, 4)])
    story.hear("2026-01-16 10:00", bound("s-1"))
    said = refusal(story.hear("2026-01-16 11:00", bound("s-2")))
    assert (said.required, said.offered) == (6, 5)
    assert "cores" in said.message


@pytest.mark.rule("R36")
def test_releasing_a_server_frees_its_quota() -> None:
    story = partial()
    story.hear("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    story.hear("2026-01-16 11:00", released("s-1"))
    assert story.account.bound == ServerTotals(1, 3)
    assert story.hear("2026-01-16 12:00", bound("s-3")) == []
    story.hear("2026-01-16 13:00", registered("s-1", 2))
    assert story.account.bound == ServerTotals(2, 6)


@pytest.mark.rule("R36")
def test_binding_what_is_bound_asks_for_no_more_quota() -> None:
    story = partial()
    story.hear("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    assert story.hear("2026-01-16 11:00", bound("s-2")) == []


@pytest.mark.rule("R36")
def test_outside_partial_mode_bindings_have_no_effect() -> None:
    full = started(specification=TWO)
    full.hear("2026-01-16 09:00", registered("s-1"))
    before = full.account
    assert full.hear("2026-01-16 10:00", bound("s-1"), unbound("s-1")) == []
    assert full.account is before
    full.wait("2026-02-23 00:00")
    assert full.hear("2026-02-23 09:00", bound("s-1")) == []


@pytest.mark.rule("R36")
def test_bindings_survive_a_shrinking_quota() -> None:
    # The bounds hold when the order is placed; what is bound until its term starts stays bound.
    story = started("2026-01-15 09:00", specification=specification("ultimate", "partial"))
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    story.hear("2026-01-16 10:00", renewal_with(specification("ultimate", "partial", servers=2, cores=8)))
    story.hear("2026-01-16 11:00", *[bound(f"s-{n}") for n in range(3)])
    said = story.wait("2026-02-16 00:00")
    assert [type(event) for event in said] == [SpecificationChanged, QuotaExceeded]
    assert story.account.bound == ServerTotals(3, 3)
