"""Buying (R5-R11)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.contracts.lifecycle import Activated
from shared.contracts.lifecycle_parts import QuantityRange
from shared.contracts.types import Edition, Feature, Specification
from subscription_service.domain.model import ServerTotals
from subscription_service.domain.policy import Catalog
from subscription_service.domain.pricing import fee, monthly_price
from subscription_service.domain.quota import Quota, quota_of
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    ANNA,
    BERT,
    PRICES,
    RULES,
    Scenario,
    change,
    coupon,
    credit,
    day,
    decline,
    enable,
    purchase,
    recorded,
    refusal,
    registered,
    renewal,
    renewal_with,
    snapshot,
    specification,
    started,
    when,
)


def inventory(servers: int, cores_each: int = 4) -> Scenario:
    scenario = Scenario()
    scenario.receive("2026-01-10 09:00", snapshot({f"s-{n}": (cores_each, False) for n in range(servers)}))
    return scenario


@pytest.mark.rule("R5")
def test_a_purchase_activates_and_says_everything_about_the_term() -> None:
    scenario = Scenario()
    (emitted,) = scenario.receive("2026-01-15 09:00", purchase(months=3))
    assert isinstance(emitted, Activated)
    assert (emitted.expires_on, emitted.contact, emitted.auto_renewal) == (day("2026-04-15"), ANNA, None)
    assert emitted.term == scenario.active.terms[0]
    assert scenario.account.version == 1
    assert scenario.active.subscription_id.startswith("sub-")


@pytest.mark.rule("R5")
def test_a_second_purchase_is_refused_while_active_and_in_grace() -> None:
    scenario = started("2026-01-15 09:00")
    assert refusal(scenario.receive("2026-01-16 09:00", purchase("p-2"))).code == "already_subscribed"
    scenario.advance_to("2026-02-22 23:59:59")
    assert refusal(scenario.receive("2026-02-22 23:59:59", purchase("p-3"))).code == "already_subscribed"


@pytest.mark.rule("R5")
def test_a_purchase_after_release_begins_anew_and_keeps_what_belongs_to_the_account() -> None:
    scenario = started("2026-01-15 09:00", auto_renewal=True)
    scenario.receive(
        "2026-01-16 09:00", credit("5.00"), coupon(amount_off=Decimal("1.00")), registered("s-1"), decline()
    )
    scenario.receive("2026-01-16 10:00", recorded("team"))
    first = scenario.active.subscription_id
    scenario.advance_to("2026-02-23 00:00")
    assert scenario.is_released
    version = scenario.account.version
    scenario.receive("2026-02-23 00:00", purchase("p-2", months=1))
    assert scenario.active.subscription_id != first
    assert scenario.active.anchor_day == 23
    assert (scenario.active.auto_renewal, scenario.active.declined) == (None, False)
    assert scenario.account.version == version + 1
    assert (scenario.account.balance, len(scenario.account.coupons)) == (Decimal("5.00"), 1)
    assert scenario.account.registered == ServerTotals(1, 4)
    assert scenario.account.configuration == {}


@pytest.mark.rule("R6")
def test_no_order_goes_without_the_terms_of_service() -> None:
    assert refusal(Scenario().receive("2026-01-15 09:00", purchase(terms_accepted=False))).code == "terms_not_accepted"
    for order in (
        renewal(accepted=False),
        renewal_with(specification(), accepted=False),
        change(specification(), accepted=False),
    ):
        assert refusal(started().receive("2026-01-16 09:00", order)).code == "terms_not_accepted"


@pytest.mark.rule("R7")
@cases(
    ("edition", "counted"),
    [
        ("anti-virus", (None, 40)),
        ("advanced", (10, None)),
        ("enterprise", (10, None)),
        ("ultimate", (10, 40)),
        ("value-added", (None, None)),
    ],
)
def test_each_edition_counts_its_own_quota(edition: str, counted: tuple[int | None, int | None]) -> None:
    assert quota_of(specification(edition), RULES.catalog) == Quota(*counted)


@pytest.mark.rule("R8")
def test_full_protection_must_cover_the_whole_inventory() -> None:
    enough = specification("ultimate", servers=3, cores=12)
    assert isinstance(inventory(3).receive("2026-01-15 09:00", purchase(specification=enough))[0], Activated)
    servers = refusal(inventory(4).receive("2026-01-15 09:00", purchase(specification=enough)))
    assert (servers.code, servers.required, servers.offered) == ("servers_below_inventory", 4, 3)
    few_cores = specification("ultimate", servers=3, cores=11)
    cores = refusal(inventory(3).receive("2026-01-15 09:00", purchase(specification=few_cores)))
    assert (cores.code, cores.required, cores.offered) == ("cores_below_inventory", 12, 11)


@pytest.mark.rule("R7", "R8")
@cases(
    ("edition", "servers", "cores", "code"),
    [
        ("anti-virus", 0, 12, None),
        ("anti-virus", 3, 11, "cores_below_inventory"),
        ("advanced", 3, 0, None),
        ("advanced", 2, 12, "servers_below_inventory"),
        ("value-added", 0, 0, None),
    ],
)
def test_only_what_the_edition_counts_can_be_too_little(
    edition: str, servers: int, cores: int, code: str | None
) -> None:
    wanted = specification(edition, servers=servers, cores=cores)
    (emitted,) = inventory(3).receive("2026-01-15 09:00", purchase(specification=wanted))
    assert getattr(emitted, "code", None) == code


@pytest.mark.rule("R9")
def test_partial_protection_asks_nothing_of_the_inventory_and_binds_nothing() -> None:
    scenario = inventory(50)
    scenario.receive("2026-01-15 09:00", purchase(specification=specification(mode="partial", servers=1, cores=1)))
    assert scenario.account.bound == ServerTotals(0, 0)
    assert not scenario.active.quota_exceeded


@pytest.mark.rule("R10")
@cases(
    ("feature", "amount", "allowed"),
    [
        ("anti_ransomware_gb", 0, True),
        ("anti_ransomware_gb", 10, True),
        ("anti_ransomware_gb", 15, False),
        ("anti_ransomware_gb", -10, False),
        ("anti_ransomware_gb", 9_999_999_990, True),
        ("anti_ransomware_gb", 10_000_000_000, False),
        ("log_storage_gb", 600_000, True),
        ("log_storage_gb", 600_010, False),
        ("web_tamper_proofing", 1_000_000, True),
        ("honeypot", 19, False),
        ("honeypot", 20, True),
        ("honeypot", 21, True),
        ("honeypot", 500, True),
        ("honeypot", 501, False),
        ("image_scan", 20, True),
        ("image_scan", 30, False),
        ("configuration_check", 900, False),
        ("configuration_check", 1000, True),
        ("configuration_check", 1050, False),
        ("malicious_file_detection", 10, True),
        ("malicious_file_detection", 5, False),
        ("application_protection", 1, True),
        ("vulnerability_fix", 19, False),
        ("vulnerability_fix", 100_000_000, True),
        ("vulnerability_fix", 100_000_001, False),
    ],
)
def test_a_feature_keeps_to_its_range(feature: str, amount: int, allowed: bool) -> None:
    wanted = replace(specification("value-added", servers=0, cores=0), value_added={Feature(feature): amount})
    (emitted,) = Scenario().receive("2026-01-15 09:00", purchase(specification=wanted))
    assert getattr(emitted, "code", None) == (None if allowed else "feature_out_of_range")


@pytest.mark.rule("R10", "R41")
def test_the_refusal_names_feature_and_range() -> None:
    emitted = refusal(Scenario().receive("2026-01-15 09:00", purchase(specification=specification(honeypot=5))))
    assert (emitted.required, emitted.offered) == ("0, or 20 to 500 in steps of 1", 5)
    assert "honeypot" in emitted.message
    assert emitted.feature is Feature.HONEYPOT
    assert emitted.range == QuantityRange(minimum=20, maximum=500, step=1)


@pytest.mark.rule("R10")
def test_the_range_of_a_refusal_without_a_limit_has_no_maximum() -> None:
    emitted = refusal(
        Scenario().receive("2026-01-15 09:00", purchase(specification=specification(configuration_check=150)))
    )
    assert (emitted.feature, emitted.range) == (
        Feature.CONFIGURATION_CHECK,
        QuantityRange(minimum=1000, maximum=None, step=100),
    )


@pytest.mark.rule("R41")
def test_other_refusals_name_no_feature() -> None:
    emitted = refusal(Scenario().receive("2026-01-15 09:00", purchase(months=13)))
    assert (emitted.feature, emitted.range) == (None, None)


@pytest.mark.rule("R11", "R21")
@pytest.mark.parametrize(("months", "first"), [(1, "2026-02-06"), (3, "2026-04-06"), (12, "2027-01-06")])
def test_auto_renewal_can_come_with_the_purchase(months: int, first: str) -> None:
    scenario = Scenario()
    (emitted,) = scenario.receive("2026-01-15 09:00", purchase(months=months, auto_renewal=True))
    assert isinstance(emitted, Activated)
    assert emitted.auto_renewal is not None
    assert emitted.auto_renewal.cycle_months == months
    assert emitted.auto_renewal.effective_on == day("2026-01-16")
    assert emitted.auto_renewal.first_attempt_at == when(f"{first} 08:00")
    assert scenario.receive("2026-01-15 10:00", enable(months)) == []


@pytest.mark.rule("R11")
@pytest.mark.parametrize("months", [2, 6, 24, 36])
def test_auto_renewal_with_another_duration_is_refused(months: int) -> None:
    emitted = refusal(Scenario().receive("2026-01-15 09:00", purchase(months=months, auto_renewal=True)))
    assert (emitted.code, emitted.required, emitted.offered) == ("invalid_cycle", "1, 3 or 12", months)


@pytest.mark.rule("R38", "R41")
def test_a_refused_purchase_changes_nothing_but_the_version() -> None:
    scenario = Scenario()
    emitted = refusal(scenario.receive("2026-01-15 09:00", purchase(contact=BERT, terms_accepted=False)))
    assert emitted.contact == BERT
    assert (scenario.account.contact, scenario.account.subscription, scenario.account.version) == (None, None, 1)


@cases(
    ("wanted", "price"),
    [
        (specification("anti-virus", cores=7), "7"),
        (specification("advanced", servers=3), "28.5"),
        (specification("enterprise", servers=3), "70.5"),
        (specification("ultimate", servers=3, cores=7), "77.5"),
        (specification("value-added", configuration_check=1100, honeypot=20), "500.55"),
    ],
)
def test_the_price_of_a_month_adds_up_what_counts(wanted: Specification, price: str) -> None:
    assert monthly_price(wanted, PRICES) == Decimal(price)


def test_a_fee_is_rounded_half_up_once_over_all_months() -> None:
    scans = specification("value-added", configuration_check=1010)  # 0.505 a month
    assert fee(scans, 1, PRICES) == Decimal("0.51")
    assert fee(scans, 3, PRICES) == Decimal("1.52")  # not three times 0.51


def test_the_catalog_prices_everything_that_can_be_bought() -> None:
    catalog: Catalog = RULES.catalog
    assert set(catalog.editions) == set(Edition)
    assert set(catalog.features) == set(Feature)
