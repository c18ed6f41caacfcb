"""Renewing by hand, as is and with change (R12-R18, R23, R32)."""

import pytest

from shared.contracts.lifecycle import Renewed, SpecificationChanged
from shared.contracts.types import Specification
from subscription_service.domain.model import ServerTotals, specification_in_force
from subscription_service.domain.overview import overview
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    bound,
    change,
    day,
    refusal,
    registered,
    renewal,
    renewal_with,
    snapshot,
    specification,
    started,
    when,
)

SMALL = specification("ultimate", "partial", servers=2, cores=8)


@pytest.mark.rule("R12")
def test_a_renewal_is_possible_in_the_first_second_and_in_the_last_of_grace() -> None:
    scenario = started("2026-01-15 09:00:00")
    assert isinstance(scenario.receive("2026-01-15 09:00:00", renewal())[0], Renewed)
    late = started("2026-01-15 09:00:00")
    late.advance_to("2026-02-22 23:59:58")
    assert isinstance(late.receive("2026-02-22 23:59:59", renewal())[0], Renewed)


@pytest.mark.rule("R12", "R35")
def test_at_the_instant_of_release_it_is_too_late_for_a_renewal() -> None:
    scenario = started("2026-01-15 09:00:00")
    scenario.advance_to("2026-02-22 23:59:59")
    emitted = scenario.receive("2026-02-23 00:00:00", renewal())
    assert refusal(emitted[1:]).code == "subscription_released"


@pytest.mark.rule("R13")
def test_a_renewal_as_is_appends_a_term_with_the_last_specification() -> None:
    scenario = started("2026-01-15 09:00", specification=specification(servers=7, cores=9))
    (emitted,) = scenario.receive("2026-01-20 09:00", renewal(months=3))
    assert isinstance(emitted, Renewed)
    first, second = scenario.active.terms
    assert (second.starts_at, second.expires_on, second.months) == (first.ends_at, day("2026-05-15"), 3)
    assert second.specification == first.specification
    assert (emitted.fee, emitted.charged, emitted.balance_after, emitted.reactivated) == (None, None, None, False)


@pytest.mark.rule("R13", "R18")
def test_several_renewals_can_be_pending_at_once() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal("r-1"), renewal("r-2", months=12))
    document = overview(scenario.account, revision=1, as_of=when("2026-01-16 09:00"), rules=RULES)
    assert document.pending_orders == ("r-1", "r-2")
    assert document.expires_on == day("2027-03-15")
    after = overview(scenario.account, revision=2, as_of=when("2026-02-16 00:00"), rules=RULES)
    assert after.pending_orders == ("r-2",)


@pytest.mark.rule("R14")
def test_in_full_mode_a_renewal_as_is_needs_room_for_the_inventory() -> None:
    scenario = started(specification=specification(servers=2, cores=8))
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert isinstance(scenario.receive("2026-01-16 10:00", renewal("r-1"))[0], Renewed)
    scenario.receive("2026-01-16 11:00", registered("s-3", 1))
    emitted = refusal(scenario.receive("2026-01-16 12:00", renewal("r-2")))
    assert (emitted.code, emitted.required, emitted.offered) == ("servers_below_inventory", 3, 2)


@pytest.mark.rule("R14")
def test_in_partial_mode_a_renewal_as_is_has_no_condition() -> None:
    scenario = started(specification=SMALL)
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(30)])
    assert isinstance(scenario.receive("2026-01-16 10:00", renewal())[0], Renewed)


@pytest.mark.rule("R15", "R18")
def test_a_change_at_renewal_waits_for_its_term_and_then_takes_effect_by_itself() -> None:
    bigger = specification("ultimate", servers=20, cores=80)
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-20 09:00", renewal_with(bigger))
    assert specification_in_force(scenario.active, when("2026-02-15 23:59:59")).protected_servers == 10
    assert scenario.advance_to("2026-02-15 23:59:59") == []
    document = overview(scenario.account, revision=1, as_of=when("2026-02-15 23:59:59"), rules=RULES)
    assert document.purchased_quota.servers == 10
    (emitted,) = scenario.advance_to("2026-02-16 00:00:00")
    assert isinstance(emitted, SpecificationChanged)
    assert (emitted.order_id, emitted.previous.protected_servers, emitted.specification) == ("rc-1", 10, bigger)
    assert (emitted.effective_at, emitted.price_difference) == (when("2026-02-16 00:00"), None)
    document = overview(scenario.account, revision=2, as_of=when("2026-02-16 00:00:00"), rules=RULES)
    assert document.purchased_quota.servers == 20


@pytest.mark.rule("R15")
@pytest.mark.parametrize("same", [specification(), specification(honeypot=0)])
def test_a_term_that_brings_nothing_else_starts_without_a_word(same: Specification) -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-20 09:00", renewal_with(same))
    assert scenario.advance_to("2026-02-16 00:00:00") == []
    assert scenario.account.decided_at == when("2026-02-16 00:00:00")


@pytest.mark.rule("R16")
def test_an_edition_may_go_down_and_up_at_renewal() -> None:
    for edition in ("anti-virus", "ultimate"):
        scenario = started(specification=specification("enterprise"))
        emitted = scenario.receive("2026-01-16 09:00", renewal_with(specification(edition)))
        assert isinstance(emitted[0], Renewed)


@pytest.mark.rule("R16")
def test_a_new_full_specification_needs_room_for_the_inventory() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(5)])
    fits = renewal_with(specification(servers=5, cores=20))
    servers = renewal_with(specification(servers=4, cores=20))
    cores = renewal_with(specification(servers=5, cores=19))
    assert refusal(scenario.receive("2026-01-16 10:00", servers)).code == "servers_below_inventory"
    assert refusal(scenario.receive("2026-01-16 10:00", cores)).code == "cores_below_inventory"
    assert isinstance(scenario.receive("2026-01-16 10:00", fits)[0], Renewed)


@pytest.mark.rule("R16")
@pytest.mark.parametrize(
    ("servers", "cores", "code"),
    [(2, 8, None), (1, 8, "servers_below_bound"), (2, 7, "cores_below_bound"), (1, 7, "servers_below_bound")],
)
def test_a_new_partial_specification_needs_room_for_what_is_bound(servers: int, cores: int, code: str | None) -> None:
    scenario = started(specification=specification(mode="partial"))
    scenario.receive("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(5)], bound("s-0"), bound("s-1"))
    wanted = specification(mode="partial", servers=servers, cores=cores)
    (emitted,) = scenario.receive("2026-01-16 10:00", renewal_with(wanted))
    assert getattr(emitted, "code", None) == code


@pytest.mark.rule("R16")
def test_the_mode_goes_from_full_to_partial_and_never_back() -> None:
    scenario = started(specification=specification(mode="partial"))
    assert (
        refusal(scenario.receive("2026-01-16 09:00", renewal_with(specification()))).code == "mode_change_not_allowed"
    )
    assert refusal(scenario.receive("2026-01-16 09:00", change(specification()))).code == "mode_change_not_allowed"


@pytest.mark.rule("R16")
def test_coming_from_full_mode_there_is_no_minimum_and_servers_are_bound_as_they_were_registered() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:03", registered("s-a", 4))
    scenario.receive("2026-01-16 09:01", registered("s-b", 4))
    scenario.receive("2026-01-16 09:02", registered("s-c", 4), registered("s-d", 1))
    scenario.receive("2026-01-16 10:00", renewal_with(SMALL))
    assert scenario.account.bound == ServerTotals(0, 0)
    scenario.advance_to("2026-02-16 00:00")
    assert {name for name, server in scenario.account.servers.items() if server.bound} == {"s-b", "s-c"}
    assert scenario.account.bound == ServerTotals(2, 8)


@pytest.mark.rule("R16")
def test_the_binding_at_the_switch_stops_at_the_first_server_that_does_not_fit() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:01", registered("s-1", 4))
    scenario.receive("2026-01-16 09:02", registered("s-2", 6))
    scenario.receive("2026-01-16 09:03", registered("s-3", 1))
    scenario.receive("2026-01-16 10:00", change(SMALL))
    assert {name for name, server in scenario.account.servers.items() if server.bound} == {"s-1"}


@pytest.mark.rule("R16")
def test_servers_of_one_snapshot_are_bound_by_their_ids_at_the_switch() -> None:
    scenario = started()
    scenario.receive("2026-01-16 09:00", snapshot({"s-3": (1, True), "s-1": (1, False), "s-2": (1, True)}))
    assert scenario.account.bound == ServerTotals(0, 0)
    scenario.receive("2026-01-16 10:00", change(SMALL))
    assert {name for name, server in scenario.account.servers.items() if server.bound} == {"s-1", "s-2"}


@pytest.mark.rule("R17")
def test_while_a_renewal_is_pending_no_change_is_accepted() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal())
    for order in (change(specification(servers=20)), renewal_with(specification(servers=20))):
        emitted = refusal(scenario.receive("2026-02-15 23:59:59", order))
        assert emitted.code == "pending_renewal_order"
        assert "r-1" in emitted.message
    assert isinstance(
        scenario.receive("2026-02-16 00:00:00", change(specification(servers=20)))[-1], SpecificationChanged
    )


@pytest.mark.rule("R17")
def test_while_a_renewal_is_pending_another_renewal_as_is_is_fine() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal_with(SMALL))
    (emitted,) = scenario.receive("2026-01-17 09:00", renewal("r-2"))
    assert isinstance(emitted, Renewed)
    assert emitted.term.specification == SMALL


@pytest.mark.rule("R23")
def test_renewal_before_the_deduction_moves_the_next_deduction() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive("2026-02-06 07:59:59", renewal())
    assert scenario.advance_to("2026-03-06 07:59:59") == []
    assert len(scenario.advance_to("2026-03-06 08:00:00")) == 1


@pytest.mark.rule("R32")
def test_a_renewal_in_grace_reactivates_and_its_term_starts_at_the_old_end() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-02-20 12:00")
    (emitted,) = scenario.receive("2026-02-20 12:00", renewal())
    assert isinstance(emitted, Renewed)
    assert emitted.reactivated
    assert scenario.active.terms[-1].starts_at == when("2026-02-16 00:00")
    assert scenario.active.terms[-1].expires_on == day("2026-03-15")


@pytest.mark.rule("R15", "R16", "R32")
def test_a_renewal_with_change_in_grace_takes_effect_at_once_and_binds() -> None:
    scenario: Scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), registered("s-3"))
    scenario.advance_to("2026-02-20 12:00")
    renewed, changed = scenario.receive("2026-02-20 12:00", renewal_with(SMALL))
    assert isinstance(renewed, Renewed)
    assert isinstance(changed, SpecificationChanged)
    assert (changed.effective_at, changed.price_difference) == (when("2026-02-20 12:00"), None)
    assert scenario.account.bound == ServerTotals(2, 8)
    assert scenario.advance_to("2026-02-21 12:00") == []
