"""What holds for every life of an account."""

from calendar import monthrange
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import (
    Activated,
    Expired,
    OrderRejected,
    Released,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from shared.contracts.lifecycle_acts import Imported, RenewalTakenBack, TermExtended
from shared.contracts.lifecycle_auto_renewal import RenewalUpcoming
from shared.contracts.types import Term
from subscription_service.domain.calendar import at_hour, billing_day, days_after, days_before
from subscription_service.domain.context import DecisionTime
from subscription_service.domain.evolve import evolve
from subscription_service.domain.model import (
    Account,
    Active,
    Grace,
    Server,
    ServerTotals,
    VersionStamp,
    specification_in_force,
)
from subscription_service.domain.overview import overview
from subscription_service.domain.quota import fits, quota_of
from subscription_service.domain.step import step
from subscription_service.domain.terms import differs
from subscription_service.domain.timers import next_timer
from tests.kit.examples import examples
from tests.unit.domain.lives import AFTERWARDS, BIRTH, instants, lived, rebuilt, states, take, timed
from tests.unit.domain.scenario import (
    ACCOUNT,
    RULES,
    Scenario,
    fold,
    rules,
    specification,
    started,
    when,
)
from tests.unit.domain.strategies import (
    DAYS,
    INVENTORY,
    LISTS,
    LIVES,
    MONEY,
    NOTICES,
    REFUSED_LIVES,
    RENEWED_LIVES,
    SETTINGS,
    Life,
)


@pytest.mark.rule("R4")
@given(life=LIVES, days=DAYS, notices=NOTICES)
@settings(max_examples=examples(150), deadline=None)
def test_the_fold_of_the_log_is_what_is_stored(life: Life, days: tuple[int, ...], notices: tuple[int, ...]) -> None:
    scenario = lived(life, reminder_days=days, charge_notice_days=notices)
    assert rebuilt(scenario.folded()) == rebuilt(scenario.account)
    assert scenario.account.version == len(scenario.log)


@given(life=LIVES, days=DAYS, notices=NOTICES)
@settings(max_examples=examples(60), deadline=None)
def test_the_fold_of_every_prefix_is_what_was_stored_then(
    life: Life, days: tuple[int, ...], notices: tuple[int, ...]
) -> None:
    scenario = Scenario(rules=rules(reminder_days=days, charge_notice_days=notices))
    folded, seen = Account(account_id=ACCOUNT), 0
    for time, command in timed(life):
        take(scenario, time, command)
        for at, event in scenario.log[seen:]:
            folded = evolve(folded, event, at=at, policy=scenario.rules.policy)
        seen = len(scenario.log)
        assert rebuilt(folded) == rebuilt(scenario.account)
        assert fold(scenario.log, scenario.rules.policy) == folded


@pytest.mark.rule("R1", "R13", "R46", "R47")
@given(life=RENEWED_LIVES)
@settings(max_examples=examples(100), deadline=None)
def test_terms_are_contiguous_and_no_day_drifts_from_the_anchor_day(life: Life) -> None:
    scenario = lived(life)
    assert scenario.times(Renewed)
    for terms in terms_by_subscription(scenario):
        assert [term.starts_at for term in terms[1:]] == [term.ends_at for term in terms[:-1]]


def terms_by_subscription(scenario: Scenario) -> list[list[Term]]:
    """The terms of each subscription that the account ever had, as the lifecycle events state them; each E falls on the
    anchor day, which an extension sets anew, until its order is taken back.
    """
    chains: list[list[Term]] = []
    anchor_days: list[int] = []
    """That of each term: before it was extended, and after."""
    for _, event in scenario.log:
        if isinstance(event, Activated):
            chains.append([event.term])
            anchor_days = [billing_day(event.term.starts_at, RULES.policy.billing_zone).day]
        elif isinstance(event, Imported):
            chains.append(list(event.terms))
            anchor_days = [event.anchor_day] * len(event.terms)
        elif isinstance(event, Renewed):
            chains[-1].append(event.term)
            anchor_days.append(anchor_days[-1])
        elif isinstance(event, RenewalTakenBack):
            assert chains[-1].pop().order_id == event.order_id
            anchor_days.pop()
            assert event.anchor_day == anchor_days[-1]
        elif isinstance(event, TermExtended):
            chains[-1][-1] = replace(chains[-1][-1], expires_on=event.expires_on, ends_at=event.ends_at)
            anchor_days[-1] = event.anchor_day
        if chains:
            expires_on = chains[-1][-1].expires_on
            last = monthrange(expires_on.year, expires_on.month)[1]
            assert expires_on.day == min(anchor_days[-1], last)
    return chains


@pytest.mark.rule("R4", "R20", "R25", "R29", "R31", "R34", "R35", "R49")
@given(life=LIVES, days=DAYS, notices=NOTICES)
@settings(max_examples=examples(150), deadline=None)
def test_no_timer_fires_early_late_or_twice(life: Life, days: tuple[int, ...], notices: tuple[int, ...]) -> None:
    scenario = lived(life, reminder_days=days, charge_notice_days=notices)
    received = {at.replace(microsecond=0) for at in instants(life)}
    account, last = Account(account_id=ACCOUNT), BIRTH
    for at, event in scenario.log:
        due = due_instants(account, days, notices)
        assert not [missed for missed in due if last < missed < at]
        assert at in due or at in received
        assert at in due or not isinstance(event, ONLY_BY_TIMER)
        account, last = evolve(account, event, at=at, policy=RULES.policy), at
    due = due_instants(account, days, notices)
    assert not [missed for missed in due if last < missed <= instants(life)[-1] + AFTERWARDS]
    happened = Counter((at, type(event)) for at, event in scenario.log if isinstance(event, ONLY_BY_TIMER))
    assert set(happened.values()) <= {1}


ONLY_BY_TIMER = (RenewalUpcoming, RenewalDue, Expired, ReleaseDue, Released)


def due_instants(account: Account, days: tuple[int, ...], notices: tuple[int, ...]) -> list[datetime]:
    """When this account has a lifecycle event if nothing comes in, worked out from the text of the rules."""
    zone = RULES.policy.billing_zone
    match account.subscription:
        case Active(terms=terms) as it:
            last_day = terms[-1].expires_on
            reminders = [at_hour(days_before(last_day, day), 10, zone) for day in (days[-1:] if it.declined else days)]
            pairs = pairwise(terms)
            changes = [term.starts_at for old, term in pairs if differs(old.specification, term.specification)]
            told = [*reminders, *announced(account, it, notices)]
            return [*told, *attempts(account, it), *changes, at_hour(days_after(last_day, 1), 0, zone)]
        case Grace(terms=terms):
            last_day = terms[-1].expires_on
            return [at_hour(days_after(last_day, 7), 10, zone), at_hour(days_after(last_day, 8), 0, zone)]
    return []


def announced(account: Account, subscription: Active, notices: tuple[int, ...]) -> list[datetime]:
    """10:00 so many days before the day of the first attempt, while none was made and a switch is in effect."""
    zone, switch, first = RULES.policy.billing_zone, subscription.auto_renewal, attempts(account, subscription)[:1]
    if switch is None or subscription.had_attempt or not first:
        return []
    before = [at_hour(days_before(billing_day(first[0], zone), day), 10, zone) for day in notices]
    in_effect = at_hour(switch.effective_on, 0, zone) if switch.held_cycle is None else BIRTH
    return [notice for notice in before if in_effect <= notice < first[0]]


def attempts(account: Account, subscription: Active) -> list[datetime]:
    """08:00 on E - 9 and, once that has failed, on each day until E - 1; or the first 08:00 of a later switch.

    While a switch has not taken effect, what it replaces is tried: where E - 9 has passed, at the next 08:00 (R21). So
    it is where an act has set this E after its E - 9.
    """
    zone, switch = RULES.policy.billing_zone, subscription.auto_renewal
    if switch is None:
        return []
    mornings = [at_hour(days_before(subscription.terms[-1].expires_on, day), 8, zone) for day in range(9, 0, -1)]
    if subscription.failure is not None:
        return mornings
    first = mornings[0] if switch.held_cycle is not None else max(mornings[0], at_hour(switch.effective_on, 8, zone))
    decided_at = account.decided_at or BIRTH
    today = billing_day(decided_at, zone)
    later = [at_hour(days_after(today, day), 8, zone) for day in (0, 1)]
    return [next(each for each in (first, *later) if each > decided_at)]


@pytest.mark.rule("R4")
@given(
    life=LIVES,
    hops=st.lists(st.timedeltas(timedelta(hours=1), timedelta(days=9)), min_size=1, max_size=6),
    notices=NOTICES,
)
@settings(max_examples=examples(60), deadline=None)
def test_waiting_in_small_steps_is_waiting_at_once(life: Life, hops: list[timedelta], notices: tuple[int, ...]) -> None:
    at_once = lived(life, charge_notice_days=notices)
    in_steps = lived(life, after=timedelta(0), charge_notice_days=notices)
    time = instants(life)[-1]
    for hop in hops * 10:
        time = min(time + hop, instants(life)[-1] + AFTERWARDS)
        in_steps.advance_to(time)
    in_steps.advance_to(instants(life)[-1] + AFTERWARDS)
    assert [(at, type(event)) for at, event in in_steps.log] == [(at, type(event)) for at, event in at_once.log]
    assert in_steps.account == at_once.account


@pytest.mark.rule("R33", "R37")
@given(life=LIVES)
@settings(max_examples=examples(150), deadline=None)
def test_the_totals_count_the_rows_and_the_flag_is_right_after_every_event(life: Life) -> None:
    flags = set()
    for account in states(life):
        rows = account.servers.values()
        assert account.registered == total([server for server in rows if server.present])
        assert account.bound == total([server for server in rows if server.present and server.bound])
        assert account.bound_ahead == total([server for server in rows if server.bound and not server.present])
        retained = {kind: count for kind, count in account.retained.items() if count}
        assert retained == Counter(kind for (kind, _), entry in account.configuration.items() if entry.present)
        if isinstance(account.subscription, Active) and account.decided_at:
            wanted = specification_in_force(account.subscription, account.decided_at)
            needed = account.registered if wanted.protection_mode == "full" else account.bound
            flags.add(account.subscription.quota_exceeded)
            assert account.subscription.quota_exceeded is not fits(quota_of(wanted, RULES.catalog), needed)
    assert flags  # every life begins with a subscription


def total(servers: list[Server]) -> ServerTotals:
    return ServerTotals(len(servers), sum(server.cores for server in servers))


@pytest.mark.rule("R37", "R52")
@pytest.mark.parametrize("mode", ["none", "full", "partial"])
@given(data=st.data())
@settings(max_examples=examples(150), deadline=None)
def test_any_order_of_arrival_ends_the_same(mode: str, data: st.DataObject) -> None:
    commands = data.draw(st.lists(st.one_of(INVENTORY, INVENTORY, SETTINGS, MONEY, LISTS), min_size=2, max_size=12))
    order = data.draw(st.permutations(range(len(commands))))
    roomy = specification("ultimate", mode if mode != "none" else "full", servers=99, cores=9999)
    account = Account(account_id=ACCOUNT) if mode == "none" else started(specification=roomy).account
    assert ended(account, commands, list(range(len(commands)))) == ended(account, commands, list(order))


def ended(account: Account, commands: list[InboundData], order: list[int]) -> tuple[object, ...]:
    """Facts after these events, each at its own second, arriving in `order`."""
    decision_time = DecisionTime(at=when("2026-02-01 09:00"), now=when("2026-02-01 10:00"))
    for number in order:
        stamp = VersionStamp(when("2026-02-01 09:00") + timedelta(seconds=number), "test", "e")
        account, _ = step(account, commands[number], time=decision_time, stamp=stamp, rules=RULES)
    present = {server for server in account.servers.values() if server.present or server.bound}
    capacity = {feature: use.used for feature, use in account.capacity.items()}
    money = account.balance, {coupon.coupon_id: coupon for coupon in account.coupons}
    stamps = account.snapshot_stamp, account.recipients
    return account.registered, account.bound, present, capacity, account.configuration, stamps, money


@pytest.mark.rule("R41")
@given(life=REFUSED_LIVES)
@settings(max_examples=examples(60), deadline=None)
def test_a_refusal_never_changes_a_subscription(life: Life) -> None:
    scenario, refusals = Scenario(), 0
    for time, command in timed(life):
        scenario.advance_to(time)
        before = scenario.account
        emitted = take(scenario, time, command)
        if any(isinstance(event, OrderRejected) for event in emitted):
            assert (len(emitted), scenario.account.subscription) == (1, before.subscription)
            assert (scenario.account.servers, scenario.account.balance) == (before.servers, before.balance)
            refusals += 1
    assert refusals


@given(life=LIVES)
@settings(max_examples=examples(60), deadline=None)
def test_there_is_always_a_next_timer_while_live_and_an_overview_at_any_time(life: Life) -> None:
    for account in states(life):
        live = isinstance(account.subscription, Active | Grace)
        assert (next_timer(account, RULES.policy) is not None) is live
        assert account.decided_at is not None
        document = overview(account, revision=1, as_of=account.decided_at, rules=RULES)
        assert document.version == account.version
