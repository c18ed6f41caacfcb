"""What holds for every life of an account."""

from calendar import monthrange
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.inbound import AccountCredited, InboundData
from shared.contracts.lifecycle import (
    Activated,
    AutoRenewalFailed,
    Expired,
    OrderRejected,
    Released,
    ReleaseDue,
    RenewalDue,
    Renewed,
)
from subscription_service.domain.calendar import at_hour, days_after, days_before
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
from tests.unit.domain.story import ACCOUNT, RULES, Story, fold, rules, specification, started, when
from tests.unit.domain.strategies import INVENTORY, LIVES, MONEY, SETTINGS, Life

BIRTH = when("2023-12-31 11:30")
AFTERWARDS = timedelta(days=60)
DAYS = st.sampled_from([(7,), (30, 15, 7, 3, 1), (9, 1)])


def lived(life: Life, days: tuple[int, ...] = (7,), after: timedelta = AFTERWARDS) -> Story:
    """A life that begins with a purchase on the last day of a month."""
    story = Story(rules=rules(reminder_days=days))
    commands = [life.bought, *[command for _, command in life.steps]]
    for time, command in zip(instants(life), commands, strict=True):
        story.hear(time, command)
    story.wait(instants(life)[-1] + after)
    return story


def instants(life: Life) -> list[datetime]:
    """When each event happens, the purchase first."""
    return list(accumulate((pause for pause, _ in life.steps), lambda time, pause: time + pause, initial=BIRTH))


def rebuilt(account: Account) -> tuple[object, ...]:
    """What the lifecycle alone rebuilds."""
    return account.subscription, account.contact, account.version


@pytest.mark.rule("R4")
@given(life=LIVES, days=DAYS)
@settings(max_examples=150, deadline=None)
def test_the_fold_of_the_log_is_what_is_stored(life: Life, days: tuple[int, ...]) -> None:
    story = lived(life, days)
    assert rebuilt(story.folded()) == rebuilt(story.account)
    assert story.account.version == len(story.log)


@given(life=LIVES, days=DAYS)
@settings(max_examples=60, deadline=None)
def test_the_fold_of_every_prefix_is_what_was_stored_then(life: Life, days: tuple[int, ...]) -> None:
    story = Story(rules=rules(reminder_days=days))
    folded, seen, time = Account(account_id=ACCOUNT), 0, BIRTH
    for pause, command in [(timedelta(0), life.bought), *life.steps]:
        time += pause
        story.hear(time, command)
        for at, event in story.log[seen:]:
            folded = evolve(folded, event, at=at, policy=story.rules.policy)
        seen = len(story.log)
        assert rebuilt(folded) == rebuilt(story.account)
        assert fold(story.log, story.rules.policy) == folded


@pytest.mark.rule("R1", "R13")
@given(life=LIVES)
@settings(max_examples=100, deadline=None)
def test_terms_are_contiguous_and_the_anchor_day_never_drifts(life: Life) -> None:
    subscription = lived(life).account.subscription
    if not isinstance(subscription, Active | Grace):
        return
    for before, after in zip(subscription.terms, subscription.terms[1:], strict=False):
        assert after.starts_at == before.ends_at
    for term in subscription.terms:
        last = monthrange(term.expires_on.year, term.expires_on.month)[1]
        assert term.expires_on.day == min(subscription.anchor_day, last)


@pytest.mark.rule("R4", "R20", "R25", "R29", "R31", "R34", "R35")
@given(life=LIVES, days=DAYS)
@settings(max_examples=150, deadline=None)
def test_no_timer_fires_early_late_or_twice(life: Life, days: tuple[int, ...]) -> None:
    story = lived(life, days)
    heard = {at.replace(microsecond=0) for at in instants(life)}
    account, last = Account(account_id=ACCOUNT), BIRTH
    for at, event in story.log:
        due = due_instants(account, days)
        assert not [missed for missed in due if last < missed < at]
        assert at in due or at in heard
        assert at in due or not isinstance(event, ONLY_BY_TIMER)
        account, last = evolve(account, event, at=at, policy=RULES.policy), at
    assert not [missed for missed in due_instants(account, days) if last < missed <= instants(life)[-1] + AFTERWARDS]
    happened = Counter((at, type(event)) for at, event in story.log if isinstance(event, ONLY_BY_TIMER))
    assert set(happened.values()) <= {1}


ONLY_BY_TIMER = (RenewalDue, Expired, ReleaseDue, Released)


def due_instants(account: Account, days: tuple[int, ...]) -> list[datetime]:
    """When this account says something by itself if nothing else happens, worked out from the rule book's words."""
    zone = RULES.policy.billing_zone
    match account.subscription:
        case Active(terms=terms) as it:
            last_day = terms[-1].expires_on
            reminders = [at_hour(days_before(last_day, day), 10, zone) for day in (days[-1:] if it.declined else days)]
            pairs = pairwise(terms)
            changes = [term.starts_at for old, term in pairs if differs(old.specification, term.specification)]
            return [*reminders, *attempts(it), *changes, at_hour(days_after(last_day, 1), 0, zone)]
        case Grace(terms=terms):
            last_day = terms[-1].expires_on
            return [at_hour(days_after(last_day, 7), 10, zone), at_hour(days_after(last_day, 8), 0, zone)]
    return []


def attempts(subscription: Active) -> list[datetime]:
    """08:00 on E - 9 and, once that has failed, on each day until E - 1; or the first 08:00 of a later switch."""
    zone, switch = RULES.policy.billing_zone, subscription.auto_renewal
    if switch is None:
        return []
    mornings = [at_hour(days_before(subscription.terms[-1].expires_on, day), 8, zone) for day in range(9, 0, -1)]
    if subscription.failure is not None:
        return mornings
    return [mornings[0] if switch.held_cycle else max(mornings[0], at_hour(switch.effective_on, 8, zone))]


@pytest.mark.rule("R4")
@given(life=LIVES, hops=st.lists(st.timedeltas(timedelta(hours=1), timedelta(days=9)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_waiting_in_small_steps_is_waiting_at_once(life: Life, hops: list[timedelta]) -> None:
    at_once, in_steps = lived(life), lived(life, after=timedelta(0))
    time = instants(life)[-1]
    for hop in hops * 10:
        time = min(time + hop, instants(life)[-1] + AFTERWARDS)
        in_steps.wait(time)
    in_steps.wait(instants(life)[-1] + AFTERWARDS)
    assert [(at, type(event)) for at, event in in_steps.log] == [(at, type(event)) for at, event in at_once.log]
    assert in_steps.account == at_once.account


@pytest.mark.rule("R24", "R25")
@given(life=LIVES)
@settings(max_examples=100, deadline=None)
def test_no_money_appears_or_is_lost(life: Life) -> None:
    story = lived(life)
    credited = sum((command.amount for _, command in life.steps if isinstance(command, AccountCredited)), Decimal(0))
    charged = sum((event.charged or Decimal(0) for _, event in story.log if isinstance(event, Renewed)), Decimal(0))
    assert story.account.balance == credited - charged >= 0
    for _, event in story.log:
        if isinstance(event, AutoRenewalFailed):
            assert event.shortfall == event.fee - event.discount - event.balance > 0


@pytest.mark.rule("R33", "R37")
@given(life=LIVES)
@settings(max_examples=150, deadline=None)
def test_the_counters_are_the_rows_and_the_flag_is_the_truth(life: Life) -> None:
    story = lived(life)
    account, time = story.account, story.log[-1][0] + timedelta(days=60)
    rows = account.servers.values()
    assert account.registered == total([server for server in rows if server.present])
    assert account.bound == total([server for server in rows if server.present and server.bound])
    live = {kind: count for kind, count in account.retained.items() if count}
    assert live == Counter(kind for (kind, _), entry in account.configuration.items() if entry.present)
    if isinstance(account.subscription, Active):
        now = account.decided_at or time
        wanted = specification_in_force(account.subscription, now)
        load = account.registered if wanted.protection_mode == "full" else account.bound
        assert account.subscription.quota_exceeded is not fits(quota_of(wanted, RULES.catalog), load)


def total(servers: list[Server]) -> ServerTotals:
    return ServerTotals(len(servers), sum(server.cores for server in servers))


@pytest.mark.rule("R37")
@pytest.mark.parametrize("mode", ["none", "full", "partial"])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_order_of_arrival_ends_the_same(mode: str, data: st.DataObject) -> None:
    said = data.draw(st.lists(st.one_of(INVENTORY, INVENTORY, SETTINGS, MONEY), min_size=2, max_size=12))
    order = data.draw(st.permutations(range(len(said))))
    roomy = specification("ultimate", mode if mode != "none" else "full", servers=99, cores=9999)
    account = Account(account_id=ACCOUNT) if mode == "none" else started(specification=roomy).account
    assert ended(account, said, list(range(len(said)))) == ended(account, said, list(order))


def ended(account: Account, said: list[InboundData], order: list[int]) -> tuple[object, ...]:
    """Facts after `said`, each at its own second, arriving in `order`."""
    for number in order:
        time = when("2026-02-01 09:00") + timedelta(seconds=number)
        decision_time = DecisionTime(at=when("2026-02-01 09:00"), now=when("2026-02-01 10:00"))
        account, _ = step(account, said[number], time=decision_time, stamp=VersionStamp(time, "test", "e"), rules=RULES)
    present = {server for server in account.servers.values() if server.present or server.bound}
    capacity = {feature: use.used for feature, use in account.capacity.items()}
    money = account.balance, {coupon.coupon_id: coupon for coupon in account.coupons}
    return account.registered, account.bound, present, capacity, account.configuration, account.snapshot_stamp, money


@pytest.mark.rule("R41")
@given(life=LIVES)
@settings(max_examples=60, deadline=None)
def test_a_refusal_never_changes_a_subscription(life: Life) -> None:
    story, time = Story(), BIRTH
    story.hear(BIRTH, life.bought)
    for pause, command in life.steps:
        time += pause
        story.wait(time)
        before = story.account
        said = story.hear(time, command)
        if any(isinstance(event, OrderRejected) for event in said):
            assert (len(said), story.account.subscription) == (1, before.subscription)
            assert (story.account.servers, story.account.balance) == (before.servers, before.balance)


@given(life=LIVES)
@settings(max_examples=60, deadline=None)
def test_there_is_always_a_next_timer_while_live_and_an_overview_at_any_time(life: Life) -> None:
    story = lived(life)
    live = isinstance(story.account.subscription, Active | Grace)
    assert (next_timer(story.account, story.rules.policy) is not None) is live
    document = overview(story.account, revision=1, as_of=story.log[-1][0], rules=story.rules)
    assert document.version == story.account.version
    assert any(isinstance(event, Activated) for _, event in story.log)
