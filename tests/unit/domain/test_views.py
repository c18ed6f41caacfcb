"""What is read off an account: overview, order list, timeline (R18)."""

import json
from decimal import Decimal
from typing import Any, Final

import pytest

from shared.contracts.envelope import adapter, to_json
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.state import NextAction, Overview, SubscriptionState
from subscription_service.domain.orders import OrderEntry, OrderStatus, OrderType, order_entries, status
from subscription_service.domain.overview import overview
from subscription_service.domain.timeline import timeline
from subscription_service.domain.timers import TimerKind, next_timer
from tests.unit.domain.scenario import (
    RULES,
    Scenario,
    bound,
    change,
    credit,
    decline,
    purchase,
    registered,
    renewal,
    renewal_with,
    specification,
    started,
    used,
    when,
)


def shown(scenario: Scenario, at: str) -> Overview:
    return overview(scenario.account, revision=7, as_of=when(at), rules=RULES)


def listed(scenario: Scenario, event: LifecycleData, cause_type: str, at: str) -> OrderEntry:
    (entry,) = order_entries(event, account=scenario.account, cause_type=cause_type, at=when(at), rules=RULES)
    return entry


@pytest.mark.rule("R18")
def test_before_a_purchase_the_overview_shows_the_facts() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", registered("s-1"), credit("5.00"))
    document = shown(scenario, "2026-01-10 10:00")
    assert (document.state, document.edition, document.subscription_id) == (SubscriptionState.NONE, None, None)
    assert (document.registered.servers, document.balance, document.revision) == (1, Decimal("5.00"), 7)
    assert (document.protected_assets, document.next_action) == (0, None)


@pytest.mark.rule("R18")
def test_the_overview_holds_the_last_term_that_ended_and_all_that_have_not() -> None:
    scenario = started("2026-01-15 09:00")
    for number in range(1, 5):
        scenario.receive("2026-01-16 09:00", renewal(f"r-{number}"))

    def orders(at: str) -> list[str]:
        return [term.order_id for term in shown(scenario, at).terms]

    scenario.advance_to("2026-03-15 23:59:59")  # r-1 ends in a second
    assert orders("2026-03-15 23:59:59") == ["p-1", "r-1", "r-2", "r-3", "r-4"]
    scenario.advance_to("2026-03-16 00:00:00")
    assert orders("2026-03-16 00:00:00") == ["r-1", "r-2", "r-3", "r-4"]
    scenario.advance_to("2026-06-16 00:00:00")  # grace: all have ended
    assert orders("2026-06-16 00:00:00") == ["r-4"]


@pytest.mark.rule("R13")
def test_an_account_stays_small_however_long_its_customer_stays() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive("2026-01-16 09:00", credit("99999999.00"))
    scenario.advance_to("2026-06-20 09:00")
    few = len(to_json(scenario.active)), len(to_json(shown(scenario, "2026-06-20 09:00")))
    scenario.advance_to("2066-06-20 09:00")
    many = len(to_json(scenario.active)), len(to_json(shown(scenario, "2066-06-20 09:00")))
    assert len(scenario.log) > 480
    assert max(abs(after - before) for before, after in zip(few, many, strict=True)) <= 20
    assert len(scenario.active.terms) <= 3


NOTHING_SUBSCRIBED: Final[dict[str, Any]] = {
    "account_id": "acme",
    "specification": None,
    "terms": [],
    "pending_orders": [],
    "currency": "USD",
    "expires_on": None,
    "ends_at": None,
    "retained_until": None,
    "auto_renewal": {
        "enabled": False,
        "cycle_months": None,
        "effective_on": None,
        "next_attempt_at": None,
        "failing": False,
    },
    "declined": False,
    "bound": {"servers": 0, "cores": 0},
    "protected_assets": 0,
    "purchased_quota": {"servers": None, "cores": None},
    "remaining_anti_ransomware_gb": 0,
    "next_action": None,
    "revision": 7,
}


@pytest.mark.rule("R18", "R35", "R38")
def test_the_whole_document_before_a_purchase_and_after_release() -> None:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", registered("s-1"), credit("5.00"), used(3))
    known = {"registered": {"servers": 1, "cores": 4}, "balance": "5.00"}
    begun = {"subscription_id": None, "state": "none", "edition": None, "version": 0, "as_of": "2026-01-10T02:00:00Z"}
    assert json.loads(to_json(shown(scenario, "2026-01-10 10:00"))) == NOTHING_SUBSCRIBED | known | begun
    partial = specification(mode="partial", anti_ransomware_gb=10)
    scenario.receive("2026-01-15 09:00", purchase(specification=partial, auto_renewal=True), bound("s-1"), decline())
    over = {"subscription_id": scenario.active.subscription_id, "state": "released", "edition": "basic"}
    scenario.advance_to("2026-02-23 00:00")
    then = {"version": scenario.account.version, "as_of": "2026-02-22T16:00:00Z"}
    document = json.loads(to_json(shown(scenario, "2026-02-23 00:00")))
    assert document == NOTHING_SUBSCRIBED | known | over | then


@pytest.mark.rule("R18", "R31", "R32")
def test_in_grace_the_document_still_shows_what_was_bought_but_protects_nothing() -> None:
    scenario = started(specification=specification("enterprise", servers=5, anti_ransomware_gb=100), auto_renewal=True)
    scenario.receive("2026-01-16 09:00", registered("s-1"), used(30))
    scenario.advance_to("2026-02-16 00:00")
    document = json.loads(to_json(shown(scenario, "2026-02-16 00:00")))
    assert (document["state"], document["edition"], document["protected_assets"]) == ("grace", "enterprise", 0)
    assert (document["expires_on"], document["ends_at"]) == ("2026-02-15", "2026-02-15T16:00:00Z")
    assert document["retained_until"] == "2026-02-22T16:00:00Z"
    assert document["purchased_quota"] == {"servers": 5, "cores": None}
    assert document["remaining_anti_ransomware_gb"] == 70
    assert document["auto_renewal"] == {
        "enabled": True,
        "cycle_months": 1,
        "effective_on": "2026-01-16",
        "next_attempt_at": None,
        "failing": False,
    }
    assert document["next_action"] == {"kind": "release_due", "at": "2026-02-22T02:00:00Z"}


@pytest.mark.rule("R18")
def test_an_active_overview_shows_the_term_in_force() -> None:
    scenario = started(specification=specification("enterprise", servers=5, anti_ransomware_gb=100), auto_renewal=True)
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), used(30))
    document = shown(scenario, "2026-01-16 10:00")
    assert (document.edition, document.protected_assets, document.remaining_anti_ransomware_gb) == ("enterprise", 2, 70)
    assert (document.purchased_quota.servers, document.purchased_quota.cores) == (5, None)
    assert document.auto_renewal.next_attempt_at == when("2026-02-06 08:00")
    assert document.next_action == NextAction(kind="deduction", at=when("2026-02-06 08:00"))
    assert document.as_of == when("2026-01-16 10:00")


@pytest.mark.rule("R18")
def test_more_used_than_purchased_leaves_nothing() -> None:
    scenario = started(specification=specification(anti_ransomware_gb=10))
    scenario.receive("2026-01-16 09:00", used(11))
    assert shown(scenario, "2026-01-16 10:00").remaining_anti_ransomware_gb == 0


@pytest.mark.rule("R18")
def test_in_partial_mode_the_bound_servers_are_protected() -> None:
    scenario = started(specification=specification(mode="partial"))
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), bound("s-2"))
    assert shown(scenario, "2026-01-16 10:00").protected_assets == 1


@pytest.mark.rule("R25")
def test_the_overview_says_when_a_deduction_is_failing() -> None:
    scenario = started(auto_renewal=True)
    scenario.advance_to("2026-02-06 08:00")
    failing = shown(scenario, "2026-02-06 08:00").auto_renewal
    assert (failing.enabled, failing.failing, failing.next_attempt_at) == (True, True, when("2026-02-07 08:00"))
    scenario.receive("2026-02-06 09:00", decline())
    off = shown(scenario, "2026-02-06 09:00")
    assert (off.auto_renewal.enabled, off.auto_renewal.failing, off.declined) == (False, False, True)


def test_the_overview_is_valid_by_its_contract() -> None:
    scenario = started(auto_renewal=True)
    document = shown(scenario, "2026-01-16 10:00")
    assert adapter(Overview).validate_json(adapter(Overview).dump_json(document)) == document


@pytest.mark.rule("R18")
def test_the_order_list_shows_start_end_and_specification_at_once() -> None:
    scenario = started("2026-01-15 09:00")
    bigger = specification(servers=20)
    (event,) = scenario.receive("2026-01-20 09:00", renewal_with(bigger))
    entry = listed(scenario, event, "tenure.renewal.change_ordered.v1", "2026-01-20 09:00")
    assert (entry.type, entry.specification, entry.months) == (OrderType.RENEWAL_CHANGE, bigger, 1)
    assert (entry.starts_at, entry.ends_at) == (when("2026-02-16 00:00"), when("2026-03-16 00:00"))
    assert (entry.fee, entry.catalog_version) == (Decimal("510.00"), RULES.catalog.price_lists[0].version)


@pytest.mark.rule("R18")
@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-02-15 23:59:59", OrderStatus.PENDING),
        ("2026-02-16 00:00:00", OrderStatus.EFFECTIVE),
        ("2026-03-15 23:59:59", OrderStatus.EFFECTIVE),
        ("2026-03-16 00:00:00", OrderStatus.ENDED),
    ],
)
def test_an_order_s_status_follows_the_clock(now: str, expected: OrderStatus) -> None:
    scenario = started("2026-01-15 09:00")
    (event,) = scenario.receive("2026-01-20 09:00", renewal())
    entry = listed(scenario, event, "tenure.renewal.ordered.v1", "2026-01-20 09:00")
    assert (entry.type, status(entry, when(now))) == (OrderType.RENEWAL, expected)


@pytest.mark.rule("R18", "R19")
def test_a_change_order_holds_to_the_end_of_the_term() -> None:
    scenario = started("2026-01-15 09:00")
    (event,) = scenario.receive("2026-01-15 09:00", change(specification(servers=11)))
    entry = listed(scenario, event, "tenure.specification.change_ordered.v1", "2026-01-15 09:00")
    assert (entry.type, entry.fee, entry.months) == (OrderType.SPECIFICATION_CHANGE, Decimal("23.50"), None)
    assert (entry.starts_at, entry.ends_at) == (when("2026-01-15 09:00"), when("2026-02-16 00:00"))


@pytest.mark.rule("R18", "R27")
def test_purchases_automatic_renewals_and_refusals_are_orders_too() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    bought = listed(scenario, scenario.log[0][1], "tenure.purchase.ordered.v1", "2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    (renewed,) = scenario.advance_to("2026-02-06 08:00")
    automatic = listed(scenario, renewed, "timer", "2026-02-06 08:00")
    (refused,) = scenario.receive("2026-02-06 09:00", purchase("p-2"))
    rejected = listed(scenario, refused, "tenure.purchase.ordered.v1", "2026-02-06 09:00")
    assert [entry.type.value for entry in (bought, automatic, rejected)] == [
        "purchase",
        "automatic_renewal",
        "purchase",
    ]
    assert automatic.fee == Decimal("275.00")
    assert status(rejected, when("2026-02-06 09:00")) is OrderStatus.REJECTED


def test_what_is_no_order_makes_no_entry() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal_with(specification(servers=20)))
    at = when("2026-04-30 00:00")
    emitted = scenario.advance_to(at)
    assert [type(event).__name__ for event in emitted] == [
        "SpecificationChanged",
        "RenewalDue",
        "Expired",
        "ReleaseDue",
        "Released",
    ]
    entries = [
        order_entries(event, account=scenario.account, cause_type="timer", at=at, rules=RULES) for event in emitted
    ]
    assert entries == [()] * len(emitted)


def test_the_timeline_tells_what_will_happen_if_nothing_changes() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive("2026-01-16 09:00", credit("275.00"))
    entries = timeline(scenario.account, now=when("2026-01-16 09:00"), rules=RULES)
    assert (entries[0].kind, entries[0].at) == (TimerKind.DEDUCTION, when("2026-02-06 08:00"))
    assert entries[0].details["balance_after"] == Decimal("0.00")
    kinds = [entry.kind for entry in entries]
    assert kinds[1] is TimerKind.TERM_START
    assert kinds.count(TimerKind.DEDUCTION) == 10
    assert kinds[-3:] == [TimerKind.EXPIRY, TimerKind.RELEASE_REMINDER, TimerKind.RELEASE]
    assert entries[-1].details == {"edition": "basic"}


def test_the_timeline_is_what_then_happens() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive("2026-01-16 09:00", credit("600.00"), renewal())
    foretold = [
        (entry.at, entry.kind) for entry in timeline(scenario.account, now=when("2026-01-16 09:00"), rules=RULES)
    ]
    happened = []
    while timer := next_timer(scenario.account, RULES.policy):
        happened.append((timer.at, timer.kind))
        scenario.advance_to(timer.at)
    assert happened == foretold


def test_the_timeline_ends_at_its_limit_and_after_five_years() -> None:
    scenario = started("2026-01-15 09:00", months=12, auto_renewal=True)
    scenario.receive("2026-01-16 09:00", credit("999999.00"))
    now = when("2026-01-16 09:00")
    assert len(timeline(scenario.account, now=now, rules=RULES, limit=3)) == 3
    far = timeline(scenario.account, now=now, rules=RULES, limit=500)
    assert [entry.at.year for entry in far if entry.kind is TimerKind.DEDUCTION] == [2027, 2028, 2029, 2030, 2031]
    assert timeline(Scenario().account, now=now, rules=RULES) == ()
