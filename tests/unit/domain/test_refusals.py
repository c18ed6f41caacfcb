"""Refusals: which comes first, what they say, and what they leave alone (R38-R41)."""

from dataclasses import replace

import pytest
from msgspec import structs

from shared.contracts.envelope import adapter, to_json
from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import Activated, ContactReplaced, OrderRejected, Renewed
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.scalars import MAX_SAFE
from shared.contracts.types import Specification
from subscription_service.domain.context import FactContext
from subscription_service.domain.model import VersionStamp
from subscription_service.domain.refusals import SENTENCES, Rejection, sentence
from subscription_service.domain.step import refuse
from tests.kit.cases import cases
from tests.unit.domain.scenario import (
    ANNA,
    BERT,
    RULES,
    Scenario,
    bound,
    change,
    contact_changed,
    day,
    decline,
    disable,
    enable,
    purchase,
    refusal,
    registered,
    renewal,
    renewal_with,
    specification,
    started,
    when,
)

WRONG = specification(honeypot=1, servers=0, cores=0)


@pytest.mark.rule("R41")
def test_the_first_that_applies_wins_for_a_purchase() -> None:
    order = purchase(months=2, auto_renewal=True, terms_accepted=False, specification=WRONG)
    taken = started()
    taken.receive("2026-01-16 09:00", registered("s-1"))
    scenario = Scenario()
    scenario.receive("2026-01-16 09:00", registered("s-1"))
    fixed = (
        replace(order, duration_months=13),
        replace(order, duration_months=13, terms_accepted=True),
        replace(order, terms_accepted=True),
        replace(order, terms_accepted=True, duration_months=1),
        replace(order, terms_accepted=True, duration_months=1, specification=specification(servers=0, cores=0)),
        replace(order, terms_accepted=True, duration_months=1, specification=specification(cores=0)),
    )
    codes = [refusal(taken.receive("2026-01-17 09:00", order)).code]
    codes += [refusal(scenario.receive("2026-01-17 09:00", each)).code for each in fixed]
    assert codes == [
        "already_subscribed",
        "terms_not_accepted",
        "invalid_duration",
        "invalid_cycle",
        "feature_out_of_range",
        "servers_below_inventory",
        "cores_below_inventory",
    ]
    assert codes == sorted(codes, key=list(RejectionCode).index)


@pytest.mark.rule("R41")
def test_the_first_that_applies_wins_for_a_change() -> None:
    partial = specification(mode="partial")
    scenario = started("2026-01-15 09:00", specification=partial)
    scenario.receive("2026-01-16 09:00", registered("s-1"), registered("s-2"), renewal())
    order = change(WRONG, accepted=False)
    codes = [refusal(scenario.receive("2026-01-17 09:00", order)).code]
    codes.append(refusal(scenario.receive("2026-01-17 09:00", change(WRONG))).code)
    lower = specification("advanced", servers=0, cores=0)
    codes.append(refusal(scenario.receive("2026-01-17 09:00", change(lower))).code)
    scenario.advance_to("2026-02-16 00:00")
    codes.append(refusal(scenario.receive("2026-02-16 09:00", change(lower))).code)
    full = started()
    full.receive("2026-01-16 09:00", registered("s-1"))
    codes.append(refusal(full.receive("2026-01-17 09:00", change(lower))).code)
    small = specification(servers=0, cores=0)
    codes.append(refusal(full.receive("2026-01-17 09:00", change(small))).code)
    assert codes == [
        "terms_not_accepted",
        "feature_out_of_range",
        "pending_renewal_order",
        "mode_change_not_allowed",
        "downgrade_only_at_renewal",
        "servers_below_inventory",
    ]


COSTLY = specification("value-added", servers=0, cores=0, web_tamper_proofing=925_925_925)
"""36 months of it cost 999,999,999,000.00; the next licence is too much."""


def costlier(licences: int) -> Specification:
    return specification("value-added", servers=0, cores=0, web_tamper_proofing=925_925_925 + licences)


@pytest.mark.rule("R41")
def test_a_price_up_to_twelve_digits_can_be_ordered_and_a_higher_one_is_refused() -> None:
    scenario = Scenario()
    (emitted,) = scenario.receive("2026-01-15 09:00", purchase("p-1", months=36, specification=costlier(1)))
    assert isinstance(emitted, OrderRejected)
    assert (emitted.code, emitted.required, emitted.offered) == (
        RejectionCode.AMOUNT_OUT_OF_RANGE,
        "999999999999.99",
        "1000000000080.00",
    )
    assert emitted.message == (
        "The price of this order, 1,000,000,000,080.00, is more than 999,999,999,999.99, "
        "the highest that can be ordered."
    )
    (activated,) = scenario.receive("2026-01-15 09:00", purchase("p-2", months=36, specification=COSTLY))
    assert isinstance(activated, Activated)


@pytest.mark.rule("R41")
@cases(
    "bought",
    [
        specification("enterprise", servers=10**11),
        specification("advanced", servers=MAX_SAFE),
        specification("anti-virus", servers=0, cores=MAX_SAFE),
        specification("value-added", servers=0, cores=0, web_tamper_proofing=MAX_SAFE),
    ],
)
def test_whatever_number_is_ordered_it_is_an_order_with_a_price(bought: Specification) -> None:
    read = adapter(Specification).validate_json(to_json(bought))
    (emitted,) = Scenario().receive("2026-01-15 09:00", purchase("p-1", specification=read))
    assert isinstance(emitted, OrderRejected)
    assert emitted.code is RejectionCode.AMOUNT_OUT_OF_RANGE


@pytest.mark.rule("R19", "R41")
@pytest.mark.parametrize(
    "order",
    [
        renewal(months=36),
        renewal_with(costlier(10), months=36),
        change(specification("value-added", web_tamper_proofing=10**15)),
    ],
    ids=["renewal", "renewal with change", "change"],
)
def test_every_kind_of_order_has_that_bound(order: InboundData) -> None:
    scenario = started("2026-01-15 09:00", specification=costlier(10))
    assert refusal(scenario.receive("2026-01-16 09:00", order)).code is RejectionCode.AMOUNT_OUT_OF_RANGE


@pytest.mark.rule("R10", "R17", "R41")
def test_the_amount_comes_after_the_features_and_before_a_pending_renewal() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.receive("2026-01-16 09:00", renewal())
    odd = specification(web_tamper_proofing=10**15, honeypot=5)
    codes = [
        refusal(scenario.receive("2026-01-17 09:00", change(wanted))).code
        for wanted in (odd, costlier(10**12), specification())
    ]
    assert codes == ["feature_out_of_range", "amount_out_of_range", "pending_renewal_order"]


@pytest.mark.rule("R3", "R41")
def test_a_term_that_would_end_after_the_calendar_is_refused() -> None:
    scenario = started("9983-01-15 09:00", months=36)  # E in 9986
    (renewed,) = scenario.receive("9983-01-16 09:00", renewal("r-1", months=36))
    assert isinstance(renewed, Renewed)
    emitted = refusal(scenario.receive("9983-01-16 09:00", renewal("r-2", months=12)))
    assert (emitted.code, emitted.required, emitted.offered) == (RejectionCode.INVALID_DURATION, "fewer", 12)
    assert emitted.message == "A duration of fewer months can be ordered; 12 cannot."
    scenario.receive("9983-01-16 09:00", renewal("r-3", months=11))
    assert scenario.active.terms[-1].expires_on == day("9989-12-15")


@pytest.mark.rule("R3", "R41")
def test_a_subscription_can_be_renewed_a_hundred_years_ahead_and_no_further() -> None:
    scenario = started("2026-01-15 09:00", months=12)  # E in 2027
    for year in range(2027, 2124):
        (renewed,) = scenario.receive("2026-01-16 09:00", renewal(f"r-{year}", months=12))
        assert isinstance(renewed, Renewed), year
    assert scenario.active.terms[-1].expires_on == day("2124-01-15")
    emitted = refusal(scenario.receive("2026-01-16 09:00", renewal("r-24", months=24)))
    assert (emitted.code, emitted.required, emitted.offered) == (RejectionCode.INVALID_DURATION, "fewer", 24)
    for month in range(24):
        scenario.receive("2026-01-16 09:00", renewal(f"m-{month}"))
    assert scenario.active.terms[-1].expires_on == day("2126-01-15")
    emitted = refusal(scenario.receive("2026-01-16 09:00", renewal("m-24")))
    assert emitted.message == "A duration of no more months can be ordered; 1 cannot."
    assert not isinstance(scenario.receive("2027-01-01 09:00", renewal("m-25"))[0], OrderRejected)


@pytest.mark.rule("R19", "R41")
def test_not_active_comes_before_everything_about_the_order() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-02-16 00:00")
    assert refusal(scenario.receive("2026-02-16 09:00", change(WRONG, accepted=False))).code == "not_active"


@pytest.mark.rule("R41")
def test_a_cycle_that_does_not_exist_comes_before_too_late() -> None:
    scenario = started("2026-01-15 09:00")
    scenario.advance_to("2026-02-15 00:00")
    assert refusal(scenario.receive("2026-02-15 09:00", enable(2))).code == "invalid_cycle"


@pytest.mark.rule("R12", "R41")
@cases(
    "command",
    [renewal(), renewal_with(WRONG), change(WRONG), enable(2), disable(), decline()],
)
def test_without_a_live_subscription_everything_on_renewals_is_refused(command: InboundData) -> None:
    assert refusal(Scenario().receive("2026-01-15 09:00", command)).code == "not_subscribed"
    gone = started("2026-01-15 09:00")
    gone.advance_to("2026-02-23 00:00")
    assert refusal(gone.receive("2026-02-23 09:00", command)).code == "subscription_released"


@pytest.mark.rule("R41")
def test_a_refusal_leaves_everything_untouched_but_the_version() -> None:
    scenario = started("2026-01-15 09:00")
    before = scenario.account
    scenario.receive("2026-01-20 09:00", renewal(accepted=False))
    assert scenario.account == structs.replace(before, version=2, decided_at=when("2026-01-20 09:00"))


@pytest.mark.rule("R41")
def test_a_refusal_says_what_was_ordered_and_to_whom() -> None:
    emitted = refusal(started().receive("2026-01-16 09:00", renewal("r-7", months=13)))
    assert (emitted.order_id, emitted.order_type, emitted.contact) == ("r-7", "tenure.renewal.ordered.v1", ANNA)
    assert emitted.message == "A duration of 1 to 12, 24 or 36 months can be ordered; 13 cannot."
    switch = refusal(started().receive("2026-01-16 09:00", enable(2)))
    assert (switch.order_id, switch.order_type) == (None, "tenure.auto_renewal.enabled.v1")


@pytest.mark.rule("R41")
@cases("code", RejectionCode)
def test_every_code_has_a_sentence_with_its_figures(code: RejectionCode) -> None:
    text = sentence(Rejection(code, required=123, offered=678, about="this"))
    assert text[0] == text[0].upper()
    assert text.endswith(".")
    assert "{" not in text
    assert ("{required}" in SENTENCES[code]) == ("123" in text)


@pytest.mark.rule("R39", "R40", "R41")
@pytest.mark.parametrize("code", [RejectionCode.ORDER_CONFLICT, RejectionCode.NOT_SUBSCRIBED])
def test_an_order_can_be_refused_before_it_reaches_the_rules(code: RejectionCode) -> None:
    at = when("2026-01-15 09:15")
    context = FactContext(VersionStamp(at, "test", "1"), at, RULES)
    account, emitted = refuse(Scenario().account, bound("s-1"), code, context)
    event = refusal(list(emitted))
    assert (event.code, event.message, event.order_type) == (code, SENTENCES[code], "tenure.server.bound.v1")
    assert (account.version, account.decided_at, account.subscription) == (1, at, None)


@pytest.mark.rule("R38")
def test_a_contact_may_come_before_a_purchase_and_the_purchase_replaces_it() -> None:
    scenario = Scenario()
    assert scenario.receive("2026-01-10 09:00", contact_changed(BERT)) == [ContactReplaced(contact=BERT)]
    assert refusal(scenario.receive("2026-01-11 09:00", purchase(terms_accepted=False))).contact == BERT
    scenario.receive("2026-01-15 09:00", purchase("p-2"))
    assert scenario.account.contact == ANNA


@pytest.mark.rule("R38", "R39")
def test_the_same_contact_again_leads_to_no_event() -> None:
    scenario = started()
    assert scenario.receive("2026-01-16 09:00", contact_changed(ANNA)) == []
    assert scenario.receive("2026-01-16 09:00", contact_changed(BERT)) == [ContactReplaced(contact=BERT)]
