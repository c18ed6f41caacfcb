"""Renewing by hand, as is and with change (R12-R18, R23, R32)."""

import pytest

from shared.contracts.lifecycle import Renewed, SpecificationChanged
from shared.contracts.types import Specification
from subscription_service.domain.model import ServerTotals, specification_in_force
from subscription_service.domain.overview import overview
from tests.unit.domain.story import (
    RULES,
    Story,
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
    story = started("2026-01-15 09:00:00")
    assert isinstance(story.hear("2026-01-15 09:00:00", renewal())[0], Renewed)
    late = started("2026-01-15 09:00:00")
    late.wait("2026-02-22 23:59:58")
    assert isinstance(late.hear("2026-02-22 23:59:59", renewal())[0], Renewed)


@pytest.mark.rule("R12", "R35")
def test_at_the_instant_of_release_it_is_too_late_for_a_renewal() -> None:
    story = started("2026-01-15 09:00:00")
    story.wait("2026-02-22 23:59:59")
    said = story.hear("2026-02-23 00:00:00", renewal())
    assert refusal(said[1:]).code == "subscription_released"


@pytest.mark.rule("R13")
def test_a_renewal_as_is_appends_a_term_with_the_last_specification() -> None:
    story = started("2026-01-15 09:00", specification=specification(servers=7, cores=9))
    (said,) = story.hear("2026-01-20 09:00", renewal(months=3))
    assert isinstance(said, Renewed)
    first, second = story.active.terms
    assert (second.starts_at, second.expires_on, second.months) == (first.ends_at, day("2026-05-15"), 3)
    assert second.specification == first.specification
    assert (said.fee, said.charged, said.balance_after, said.reactivated) == (None, None, None, False)


@pytest.mark.rule("R13", "R18")
def test_several_renewals_can_be_pending_at_once() -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-01-16 09:00", renewal("r-1"), renewal("r-2", months=12))
    document = overview(story.account, revision=1, as_of=when("2026-01-16 09:00"), rules=RULES)
    assert document.pending_orders == ("r-1", "r-2")
    assert document.expires_on == day("2027-03-15")
    after = overview(story.account, revision=2, as_of=when("2026-02-16 00:00"), rules=RULES)
    assert after.pending_orders == ("r-2",)


@pytest.mark.rule("R14")
def test_in_full_mode_a_renewal_as_is_needs_room_for_the_inventory() -> None:
    story = started(specification=specification(servers=2, cores=8))
    story.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"))
    assert isinstance(story.hear("2026-01-16 10:00", renewal("r-1"))[0], Renewed)
    story.hear("2026-01-16 11:00", registered("s-3", 1))
    said = refusal(story.hear("2026-01-16 12:00", renewal("r-2")))
    assert (said.code, said.required, said.offered) == ("servers_below_inventory", 3, 2)


@pytest.mark.rule("R14")
def test_in_partial_mode_a_renewal_as_is_has_no_condition() -> None:
    story = started(specification=SMALL)
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(30)])
    assert isinstance(story.hear("2026-01-16 10:00", renewal())[0], Renewed)


@pytest.mark.rule("R15", "R18")
def test_a_change_at_renewal_waits_for_its_term_and_then_takes_effect_by_itself() -> None:
    bigger = specification("ultimate", servers=20, cores=80)
    story = started("2026-01-15 09:00")
    story.hear("2026-01-20 09:00", renewal_with(bigger))
    assert specification_in_force(story.active, when("2026-02-15 23:59:59")).protected_servers == 10
    assert story.wait("2026-02-15 23:59:59") == []
    document = overview(story.account, revision=1, as_of=when("2026-02-15 23:59:59"), rules=RULES)
    assert document.purchased_quota.servers == 10
    (said,) = story.wait("2026-02-16 00:00:00")
    assert isinstance(said, SpecificationChanged)
    assert (said.order_id, said.previous.protected_servers, said.specification) == ("rc-1", 10, bigger)
    assert (said.effective_at, said.price_difference) == (when("2026-02-16 00:00"), None)
    document = overview(story.account, revision=2, as_of=when("2026-02-16 00:00:00"), rules=RULES)
    assert document.purchased_quota.servers == 20


@pytest.mark.rule("R15")
@pytest.mark.parametrize("same", [specification(), specification(honeypot=0)])
def test_a_term_that_brings_nothing_else_starts_without_a_word(same: Specification) -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-01-20 09:00", renewal_with(same))
    assert story.wait("2026-02-16 00:00:00") == []
    assert story.account.decided_at == when("2026-02-16 00:00:00")


@pytest.mark.rule("R16")
def test_an_edition_may_go_down_and_up_at_renewal() -> None:
    for edition in ("anti-virus", "ultimate"):
        story = started(specification=specification("enterprise"))
        said = story.hear("2026-01-16 09:00", renewal_with(specification(edition)))
        assert isinstance(said[0], Renewed)


@pytest.mark.rule("R16")
def test_a_new_full_specification_needs_room_for_the_inventory() -> None:
    story = started()
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(5)])
    fits = renewal_with(specification(servers=5, cores=20))
    servers = renewal_with(specification(servers=4, cores=20))
    cores = renewal_with(specification(servers=5, cores=19))
    assert refusal(story.hear("2026-01-16 10:00", servers)).code == "servers_below_inventory"
    assert refusal(story.hear("2026-01-16 10:00", cores)).code == "cores_below_inventory"
    assert isinstance(story.hear("2026-01-16 10:00", fits)[0], Renewed)


@pytest.mark.rule("R16")
@pytest.mark.parametrize(
    ("servers", "cores", "code"),
    [(2, 8, None), (1, 8, "servers_below_bound"), (2, 7, "cores_below_bound"), (1, 7, "servers_below_bound")],
)
def test_a_new_partial_specification_needs_room_for_what_is_bound(servers: int, cores: int, code: str | None) -> None:
    story = started(specification=specification(mode="partial"))
    story.hear("2026-01-16 09:00", *[registered(f"s-{n}") for n in range(5)], bound("s-0"), bound("s-1"))
    wanted = specification(mode="partial", servers=servers, cores=cores)
    (said,) = story.hear("2026-01-16 10:00", renewal_with(wanted))
    assert getattr(said, "code", None) == code


@pytest.mark.rule("R16")
def test_the_mode_goes_from_full_to_partial_and_never_back() -> None:
    story = started(specification=specification(mode="partial"))
    assert refusal(story.hear("2026-01-16 09:00", renewal_with(specification()))).code == "mode_change_not_allowed"
    assert refusal(story.hear("2026-01-16 09:00", change(specification()))).code == "mode_change_not_allowed"


@pytest.mark.rule("R16")
def test_coming_from_full_mode_there_is_no_minimum_and_servers_are_bound_as_they_were_registered() -> None:
    story = started()
    story.hear("2026-01-16 09:03", registered("s-a", 4))
    story.hear("2026-01-16 09:01", registered("s-b", 4))
    story.hear("2026-01-16 09:02", registered("s-c", 4), registered("s-d", 1))
    story.hear("2026-01-16 10:00", renewal_with(SMALL))
    assert story.account.bound == ServerTotals(0, 0)
    story.wait("2026-02-16 00:00")
    assert {name for name, server in story.account.servers.items() if server.bound} == {"s-b", "s-c"}
    assert story.account.bound == ServerTotals(2, 8)


@pytest.mark.rule("R16")
def test_the_binding_at_the_switch_stops_at_the_first_server_that_does_not_fit() -> None:
    story = started()
    story.hear("2026-01-16 09:01", registered("s-1", 4))
    story.hear("2026-01-16 09:02", registered("s-2", 6))
    story.hear("2026-01-16 09:03", registered("s-3", 1))
    story.hear("2026-01-16 10:00", change(SMALL))
    assert {name for name, server in story.account.servers.items() if server.bound} == {"s-1"}


@pytest.mark.rule("R16")
def test_servers_of_one_snapshot_are_bound_by_their_ids_at_the_switch() -> None:
    story = started()
    story.hear("2026-01-16 09:00", snapshot({"s-3": (1, True), "s-1": (1, False), "s-2": (1, True)}))
    assert story.account.bound == ServerTotals(0, 0)
    story.hear("2026-01-16 10:00", change(SMALL))
    assert {name for name, server in story.account.servers.items() if server.bound} == {"s-1", "s-2"}


@pytest.mark.rule("R17")
def test_while_a_renewal_is_pending_no_change_is_accepted() -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-01-16 09:00", renewal())
    for order in (change(specification(servers=20)), renewal_with(specification(servers=20))):
        said = refusal(story.hear("2026-02-15 23:59:59", order))
        assert said.code == "pending_renewal_order"
        assert "r-1" in said.message
    assert isinstance(story.hear("2026-02-16 00:00:00", change(specification(servers=20)))[-1], SpecificationChanged)


@pytest.mark.rule("R17")
def test_while_a_renewal_is_pending_another_renewal_as_is_is_fine() -> None:
    story = started("2026-01-15 09:00")
    story.hear("2026-01-16 09:00", renewal_with(SMALL))
    (said,) = story.hear("2026-01-17 09:00", renewal("r-2"))
    assert isinstance(said, Renewed)
    assert said.term.specification == SMALL


@pytest.mark.rule("R23")
def test_renewal_before_the_deduction_moves_the_next_deduction() -> None:
    story = started("2026-01-15 09:00", auto_renewal=True)
    story.hear("2026-02-06 07:59:59", renewal())
    assert story.wait("2026-03-06 07:59:59") == []
    assert len(story.wait("2026-03-06 08:00:00")) == 1


@pytest.mark.rule("R32")
def test_a_renewal_in_grace_reactivates_and_its_term_starts_at_the_old_end() -> None:
    story = started("2026-01-15 09:00")
    story.wait("2026-02-20 12:00")
    (said,) = story.hear("2026-02-20 12:00", renewal())
    assert isinstance(said, Renewed)
    assert said.reactivated
    assert story.active.terms[-1].starts_at == when("2026-02-16 00:00")
    assert story.active.terms[-1].expires_on == day("2026-03-15")


@pytest.mark.rule("R15", "R16", "R32")
def test_a_renewal_with_change_in_grace_takes_effect_at_once_and_binds() -> None:
    story: Story = started("2026-01-15 09:00")
    story.hear("2026-01-16 09:00", registered("s-1"), registered("s-2"), registered("s-3"))
    story.wait("2026-02-20 12:00")
    renewed, changed = story.hear("2026-02-20 12:00", renewal_with(SMALL))
    assert isinstance(renewed, Renewed)
    assert isinstance(changed, SpecificationChanged)
    assert (changed.effective_at, changed.price_difference) == (when("2026-02-20 12:00"), None)
    assert story.account.bound == ServerTotals(2, 8)
    assert story.wait("2026-02-21 12:00") == []
