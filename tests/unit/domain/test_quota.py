"""Quota in use: binding within it, and the flag (R33, R36)."""

import pytest

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import QuotaExceeded, QuotaRestored, Renewed, SpecificationChanged
from shared.contracts.lifecycle_parts import BoundQuotaUse, QuotaUse
from shared.contracts.types import ProtectionMode
from subscription_service.domain.model import ServerTotals
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    Scenario,
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


SERVERS = [registered(f"s-{n}", 3) for n in range(1, 4)]
BINDINGS = [bound(f"s-{n}") for n in range(1, 4)]
"""One more than was bought."""


def partial() -> Scenario:
    scenario = started(specification=PARTIAL)
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}", 3) for n in range(1, 5)])
    return scenario


@pytest.mark.rule("R33")
def test_the_flag_is_raised_when_the_inventory_passes_the_quota_and_lowered_when_it_fits_again() -> None:
    scenario = started(specification=TWO)
    assert scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2")) == []
    (exceeded,) = scenario.receive("2026-01-16 10:00", registered("s-3", 1))
    assert exceeded == QuotaExceeded(
        protection_mode=ProtectionMode.FULL,
        servers=QuotaUse(registered=3, quota=2),
        cores=QuotaUse(registered=9, quota=8),
        specification=TWO,
    )
    assert scenario.receive("2026-01-16 11:00", registered("s-4", 1)) == []
    assert scenario.receive("2026-01-16 12:00", released("s-4")) == []
    (restored,) = scenario.receive("2026-01-16 13:00", released("s-3"))
    assert restored == QuotaRestored(
        protection_mode=ProtectionMode.FULL,
        servers=QuotaUse(registered=2, quota=2),
        cores=QuotaUse(registered=8, quota=8),
    )


@pytest.mark.rule("R7", "R33")
@pytest.mark.parametrize(("edition", "flips"), [("advanced", False), ("anti-virus", True), ("value-added", False)])
def test_only_what_the_edition_counts_raises_the_flag(edition: str, flips: bool) -> None:
    scenario = started(specification=specification(edition, servers=2, cores=8))
    emitted = scenario.receive("2026-01-16 09:00", registered("s-1", 9))
    assert bool(emitted) is flips
    if flips:
        assert isinstance(emitted[0], QuotaExceeded)
        assert (emitted[0].servers, emitted[0].cores) == (None, QuotaUse(registered=9, quota=8))


@pytest.mark.rule("R33")
def test_a_growing_server_can_raise_the_flag_by_its_cores_alone() -> None:
    scenario = started(specification=TWO)
    scenario.receive("2026-01-16 09:00", registered("s-1"))
    assert scenario.receive("2026-01-16 10:00", resized("s-1", 8)) == []
    assert isinstance(scenario.receive("2026-01-16 11:00", resized("s-1", 9))[0], QuotaExceeded)


@pytest.mark.rule("R33")
def test_in_partial_mode_the_flag_follows_what_is_bound() -> None:
    scenario = partial()
    scenario.receive("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    (emitted,) = scenario.receive("2026-01-16 11:00", resized("s-1", 6))
    assert emitted == QuotaExceeded(
        protection_mode=ProtectionMode.PARTIAL,
        servers=BoundQuotaUse(bound=2, quota=2),
        cores=BoundQuotaUse(bound=9, quota=8),
        specification=PARTIAL,
    )
    assert isinstance(scenario.receive("2026-01-16 12:00", unbound("s-2"))[0], QuotaRestored)


@pytest.mark.rule("R33")
def test_a_snapshot_is_a_fact_and_can_raise_the_flag_of_what_is_bound() -> None:
    scenario = partial()
    (emitted,) = scenario.receive("2026-01-17 09:00", snapshot({f"s-{n}": (1, True) for n in range(5)}))
    assert isinstance(emitted, QuotaExceeded)
    assert scenario.account.bound == ServerTotals(5, 5)


@pytest.mark.rule("R33")
def test_a_term_s_start_flips_the_flag() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal_with(specification("ultimate", servers=2, cores=8)))
    scenario.receive("2026-01-17 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    changed, exceeded = scenario.advance_to("2026-02-16 00:00")
    assert isinstance(changed, SpecificationChanged)
    assert isinstance(exceeded, QuotaExceeded)
    assert scenario.times(QuotaExceeded) == [when("2026-02-16 00:00")]


@pytest.mark.rule("R26", "R33")
def test_a_renewal_does_not_say_again_what_was_said() -> None:
    scenario = started("2026-01-15 09:00", specification=TWO, auto_renewal=True)
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)], credit("1000.00"))
    assert [type(event) for event in scenario.advance_to("2026-02-06 08:00")] == [Renewed]
    assert scenario.active.quota_exceeded


@pytest.mark.rule("R33")
def test_in_grace_the_flag_rests_and_a_reactivation_flips_it() -> None:
    scenario = started("2026-01-15 09:00", specification=TWO)
    scenario.advance_to("2026-02-16 00:00")
    assert scenario.receive("2026-02-17 09:00", *[registered(f"s-{n}", 1) for n in range(3)]) == []
    bigger = renewal_with(specification("ultimate", servers=3, cores=8))
    assert [type(event) for event in scenario.receive("2026-02-18 09:00", bigger)] == [Renewed, SpecificationChanged]
    other = started("2026-01-15 09:00", specification=PARTIAL)
    other.receive("2026-01-16 09:00", registered("s-1"), bound("s-1"))
    other.advance_to("2026-02-16 00:00")
    assert other.receive("2026-02-17 09:00", resized("s-1", 9)) == []
    assert [type(event) for event in other.receive("2026-02-18 09:00", renewal())] == [Renewed, QuotaExceeded]


@pytest.mark.rule("R33")
def test_a_switch_to_partial_mode_lowers_a_raised_flag() -> None:
    scenario = started(specification=TWO)
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    changed, restored = scenario.receive("2026-01-16 10:00", change(PARTIAL))
    assert isinstance(changed, SpecificationChanged)
    assert isinstance(restored, QuotaRestored)
    assert restored.servers == BoundQuotaUse(bound=2, quota=2)


@pytest.mark.rule("R36")
def test_quota_is_bound_and_unbound_within_what_was_purchased() -> None:
    scenario = partial()
    assert scenario.receive("2026-01-16 10:00", bound("s-1"), bound("s-2")) == []
    emitted = refusal(scenario.receive("2026-01-16 11:00", bound("s-3")))
    assert (emitted.code, emitted.required, emitted.offered, emitted.order_id) == ("quota_exhausted", 3, 2, None)
    assert emitted.order_type == "tenure.server.bound.v1"
    scenario.receive("2026-01-16 12:00", unbound("s-1"))
    assert scenario.receive("2026-01-16 13:00", bound("s-3")) == []
    assert scenario.account.bound == ServerTotals(2, 6)


@pytest.mark.rule("R36")
def test_cores_exhaust_the_quota_too_but_servers_are_named_first() -> None:
    scenario = started(specification=specification("ultimate", "partial", servers=2, cores=5))
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}", 3) for n in range(1, 4)])
    scenario.receive("2026-01-16 10:00", bound("s-1"))
    emitted = refusal(scenario.receive("2026-01-16 11:00", bound("s-2")))
    assert (emitted.required, emitted.offered) == (6, 5)
    assert "cores" in emitted.message


@pytest.mark.rule("R36")
def test_releasing_a_server_frees_its_quota() -> None:
    scenario = partial()
    scenario.receive("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    scenario.receive("2026-01-16 11:00", released("s-1"))
    assert scenario.account.bound == ServerTotals(1, 3)
    assert scenario.receive("2026-01-16 12:00", bound("s-3")) == []
    scenario.receive("2026-01-16 13:00", registered("s-1", 2))
    assert scenario.account.bound == ServerTotals(2, 6)


@pytest.mark.rule("R36")
def test_binding_what_is_bound_asks_for_no_more_quota() -> None:
    scenario = partial()
    scenario.receive("2026-01-16 10:00", bound("s-1"), bound("s-2"))
    assert scenario.receive("2026-01-16 11:00", bound("s-2")) == []


@pytest.mark.rule("R36", "R37")
@cases(
    ("before", "after", "bound_in_the_end"),
    [
        ([], [*SERVERS, *BINDINGS], ServerTotals(2, 6)),
        ([*BINDINGS], [*SERVERS], ServerTotals(2, 6)),
        ([SERVERS[2], *BINDINGS], [*SERVERS[:2]], ServerTotals(2, 6)),
        ([SERVERS[0], SERVERS[1], *BINDINGS], [SERVERS[2]], ServerTotals(2, 6)),
        ([*BINDINGS[:2], unbound("s-1"), BINDINGS[2]], [*SERVERS], ServerTotals(2, 6)),
        ([*BINDINGS[:2], released("s-1"), BINDINGS[2]], [*SERVERS], ServerTotals(2, 6)),
        ([*BINDINGS[:2], snapshot({}), *BINDINGS[1:]], [*SERVERS], ServerTotals(2, 6)),
    ],
)
def test_bindings_before_the_registration_count_against_the_quota(
    before: list[InboundData], after: list[InboundData], bound_in_the_end: ServerTotals
) -> None:
    scenario = started(specification=PARTIAL)
    scenario.receive("2026-01-16 09:00", *before)
    scenario.receive("2026-01-16 10:00", *after)
    assert scenario.account.bound == bound_in_the_end
    assert scenario.account.bound_ahead == ServerTotals()
    assert not scenario.active.quota_exceeded


@pytest.mark.rule("R36", "R37")
def test_a_binding_before_the_registration_asks_for_the_cores_that_are_known() -> None:
    scenario = started(specification=specification("ultimate", "partial", servers=9, cores=8))
    scenario.receive("2026-01-16 09:00", resized("s-1", 5), bound("s-1"), registered("s-2", 4))
    emitted = refusal(scenario.receive("2026-01-16 10:00", bound("s-2")))
    assert (emitted.required, emitted.offered) == (9, 8)
    scenario.receive("2026-01-16 11:00", bound("s-3"))
    assert [type(event) for event in scenario.receive("2026-01-16 12:00", registered("s-1", 5))] == []
    assert [type(event) for event in scenario.receive("2026-01-16 13:00", registered("s-3", 4))] == [QuotaExceeded]


@pytest.mark.rule("R36")
def test_outside_partial_mode_bindings_have_no_effect() -> None:
    full = started(specification=TWO)
    full.receive("2026-01-16 09:00", registered("s-1"))
    before = full.account
    assert full.receive("2026-01-16 10:00", bound("s-1"), unbound("s-1")) == []
    assert full.account is before
    full.advance_to("2026-02-23 00:00")
    assert full.receive("2026-02-23 09:00", bound("s-1")) == []


@pytest.mark.rule("R36")
def test_bindings_survive_a_shrinking_quota() -> None:
    # The minimum quota is checked when the order is placed; what is bound until its term starts stays bound.
    scenario = started("2026-01-15 09:00", specification=specification("ultimate", "partial"))
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}", 1) for n in range(3)])
    scenario.receive("2026-01-16 10:00", renewal_with(specification("ultimate", "partial", servers=2, cores=8)))
    scenario.receive("2026-01-16 11:00", *[bound(f"s-{n}") for n in range(3)])
    emitted = scenario.advance_to("2026-02-16 00:00")
    assert [type(event) for event in emitted] == [SpecificationChanged, QuotaExceeded]
    assert scenario.account.bound == ServerTotals(3, 3)
