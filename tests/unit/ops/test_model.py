"""The numbers of the operations page are what the topics hold."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.state import SubscriptionState
from shared.contracts.topics import (
    DEAD_LETTERS,
    LIFECYCLE,
    NOTIFICATION_DEAD_LETTERS,
    OUTCOMES,
    PURCHASES,
    STATE,
    TEST_CLOCK_SETTLED,
)
from tenure.ops.accounts import AccountFilter, AccountRow, Accounts, matching
from tenure.ops.history import KEPT_LATEST
from tenure.ops.model import KEPT_TOPICS, WATCHED_TOPICS
from tenure.ops.renewals import Outlook
from tests.kit.cases import cases
from tests.unit.ops.records import ESTIMATES, NOW_MS, Topics, example, lifecycle, outcome, state

HOUR = 3_600_000
ON = {"enabled": True, "cycle_months": 1, "effective_on": None, "next_attempt_at": None, "failing": False}
OFF = ON | {"enabled": False, "cycle_months": None}


def listed(accounts: Accounts, wanted: AccountFilter) -> list[str]:
    return [account for piece in matching(accounts.rows, wanted.matches, chunk=2) for account, _ in piece]


def row(topics: Topics, account_id: str) -> AccountRow:
    found = topics.model.accounts.get(account_id)
    assert found is not None
    return found


def test_an_account_counts_by_its_latest_document() -> None:
    topics = Topics()
    topics.put(STATE, state("a", 1))
    topics.put(STATE, state("a", 3, state="grace"))
    topics.put(STATE, state("b", 1))
    assert topics.model.accounts.totals.by_state == {"none": 0, "active": 1, "grace": 1, "released": 0}


def test_a_superseded_revision_that_comes_later_changes_nothing() -> None:
    topics = Topics()
    topics.put(STATE, state("a", 3, state="grace"))
    topics.put(STATE, state("a", 2, state="active"))
    assert topics.model.accounts.totals.by_state[SubscriptionState.GRACE] == 1
    assert topics.model.accounts.totals.by_state[SubscriptionState.ACTIVE] == 0


def test_a_deleted_document_takes_its_account_out_of_every_number() -> None:
    topics = Topics()
    topics.put(STATE, state("a"))
    topics.put(STATE, None, key="a")
    topics.put(STATE, None, key="never-seen")
    assert topics.model.accounts.totals == Topics().model.accounts.totals
    assert not topics.model.accounts.rows


documents = st.builds(
    state,
    st.sampled_from("abc"),
    st.integers(1, 6),
    state=st.sampled_from([each.value for each in SubscriptionState]),
    expires_on=st.sampled_from([None, "2026-03-31", "2026-04-01"]),
    balance=st.sampled_from(["0.00", "-3.10", "9999999999999999999999999999.99"]),
    auto_renewal=st.sampled_from([ON, OFF, ON | {"failing": True}]),
    declined=st.booleans(),
    registered=st.fixed_dictionaries({"servers": st.integers(0, 9), "cores": st.integers(0, 30)}),
)


@given(st.lists(documents | st.sampled_from("abc"), max_size=25))
def test_totals_are_those_of_the_accounts_counted_anew(changes: list[Any]) -> None:
    topics = Topics()
    for change in changes:
        if isinstance(change, str):
            topics.put(STATE, None, key=change)
        else:
            topics.put(STATE, change)
    kept = topics.model.accounts
    anew = Accounts(ESTIMATES)
    for account_id in kept.rows:
        anew.totals.add(row(topics, account_id))
    assert kept.totals == anew.totals


@cases(
    ("changes", "over"),
    [
        ({"registered": {"servers": 5, "cores": 20}}, (0, 0)),
        ({"registered": {"servers": 6, "cores": 20}}, (1, 0)),
        ({"registered": {"servers": 9, "cores": 23}}, (4, 3)),
        ({"registered": {"servers": 9, "cores": 23}, "state": "grace"}, (0, 0)),
        ({"registered": {"servers": 9, "cores": 23}, "purchased_quota": {"servers": None, "cores": 20}}, (0, 3)),
    ],
)
def test_quota_is_short_as_the_rules_have_it(changes: dict[str, Any], over: tuple[int, int]) -> None:
    topics = Topics()
    topics.put(STATE, state("a", **changes))
    assert (row(topics, "a").over_servers, row(topics, "a").over_cores) == over
    assert topics.model.accounts.totals.over_quota == int(any(over))


def test_in_partial_mode_the_bound_servers_count() -> None:
    partial = state("a")["specification"] | {"protection_mode": "partial"}
    topics = Topics()
    topics.put(STATE, state("a", specification=partial, registered={"servers": 99, "cores": 99}))
    topics.put(STATE, state("b", specification=partial, bound={"servers": 6, "cores": 1}))
    assert listed(topics.model.accounts, AccountFilter(over_quota=True)) == ["b"]


@cases(
    ("changes", "outlook"),
    [
        ({"balance": "147.50"}, Outlook.COVERED),
        ({"balance": "147.49"}, Outlook.SHORT),
        ({"balance": "-1.00"}, Outlook.SHORT),
        ({"auto_renewal": OFF}, Outlook.MANUAL),
        ({"auto_renewal": OFF, "declined": True}, Outlook.DECLINED),
        ({"state": "grace"}, None),
        ({"state": "released"}, None),
    ],
)
def test_how_a_renewal_stands(changes: dict[str, Any], outlook: Outlook | None) -> None:
    topics = Topics()
    topics.put(STATE, state("a", **changes))
    assert row(topics, "a").outlook is outlook


def test_a_day_of_the_calendar_sums_fees_and_what_balances_lack() -> None:
    topics = Topics()
    for account, balance in (("a", "100.00"), ("b", "147.50"), ("c", "0.00")):
        topics.put(STATE, state(account, balance=balance))
    of_day = topics.model.accounts.totals.renewals[date(2026, 3, 31)]
    assert (of_day[Outlook.SHORT].accounts, of_day[Outlook.SHORT].fees) == (2, Decimal("295.00"))
    assert of_day[Outlook.SHORT].lacking == Decimal("195.00")
    assert (of_day[Outlook.COVERED].accounts, of_day[Outlook.COVERED].fees) == (1, Decimal("147.50"))


def test_each_number_has_its_list() -> None:
    topics = Topics()
    topics.put(STATE, state("a", auto_renewal=ON | {"failing": True}, balance="0.00"))
    topics.put(STATE, state("b", expires_on="2026-04-01"))
    topics.put(STATE, state("c", state="grace"))
    topics.put(STATE, state("d", expires_on=None))
    accounts = topics.model.accounts
    assert listed(accounts, AccountFilter()) == ["a", "b", "c", "d"]
    assert listed(accounts, AccountFilter(failing=True)) == ["a"]
    assert listed(accounts, AccountFilter(state=SubscriptionState.GRACE)) == ["c"]
    assert listed(accounts, AccountFilter(expires_from=date(2026, 4, 1))) == ["b"]
    assert listed(accounts, AccountFilter(expires_to=date(2026, 3, 31), outlook=Outlook.SHORT)) == ["a"]


def test_refusals_are_counted_by_code_and_hour() -> None:
    topics = Topics()
    topics.put(LIFECYCLE, lifecycle("order_rejected", "a"))
    topics.put(LIFECYCLE, lifecycle("order_rejected", "a", 2, code="invalid_cycle"), at_ms=NOW_MS - 24 * HOUR)
    model = topics.model
    assert model.rejections.since(24, NOW_MS) == {"servers_below_inventory": 1}
    assert model.rejections.since(720, NOW_MS) == {"servers_below_inventory": 1, "invalid_cycle": 1}
    assert [(each.code, each.account_id) for each in model.latest.rejections] == [
        ("servers_below_inventory", "a"),
        ("invalid_cycle", "a"),
    ]
    model.forget(NOW_MS + 719 * HOUR)
    assert model.rejections.since(10_000, NOW_MS) == {"servers_below_inventory": 1}


def test_a_failed_attempt_is_told_until_a_later_document_says_otherwise() -> None:
    topics = Topics()
    failing = ON | {"failing": True}
    topics.put(LIFECYCLE, lifecycle("auto_renewal_failed", "a", 5))
    topics.put(STATE, state("a", 1, version=4))  # of before the attempt
    assert topics.model.failed_attempts["a"].shortfall == "27.50"
    topics.put(STATE, state("a", 2, version=5, auto_renewal=failing))
    assert "a" in topics.model.failed_attempts
    topics.put(STATE, state("a", 3, version=6))
    assert "a" not in topics.model.failed_attempts


def test_a_failed_attempt_that_is_read_after_what_ended_it_is_not_told() -> None:
    topics = Topics()
    topics.put(STATE, state("a", 3, version=6))
    topics.put(LIFECYCLE, lifecycle("auto_renewal_failed", "a", 5))
    assert "a" not in topics.model.failed_attempts


def test_mails_are_counted_by_outcome_and_cause_and_messages_in_the_inbox_are_not() -> None:
    topics = Topics()
    topics.put(OUTCOMES, outcome("delivered", "a", channel="email"))
    topics.put(OUTCOMES, outcome("failed", "a", channel="email"))
    topics.put(OUTCOMES, outcome("suppressed", "a", channel="email", reason="no_contact"))
    topics.put(OUTCOMES, outcome("delivered", "a", channel="inbox"))
    topics.put(OUTCOMES, outcome("read", "a", channel="inbox"))
    assert topics.model.mails.since(1, NOW_MS) == {"delivered": 1, "failed 550": 1, "suppressed no_contact": 1}
    assert [each.outcome for each in topics.model.latest.mails] == ["failed", "suppressed"]


@pytest.mark.parametrize("topic", [DEAD_LETTERS, NOTIFICATION_DEAD_LETTERS])
def test_a_dead_letter_is_known_by_where_it_lies_and_why(topic: str) -> None:
    topics = Topics()
    added = (
        ("dead-letter-reason", b"invalid_data"),
        ("dead-letter-detail", b"data.cores: \xff"),
        ("dead-letter-topic", b"purchases"),
    )
    topics.put(topic, b'{"subject": "acct-7"}', headers=added)
    (letter,) = topics.model.latest.dead_letters
    assert (letter.name, letter.reason, letter.source) == (f"{topic}:0:0", "invalid_data", "purchases")
    assert letter.account_id == "acct-7"
    assert topics.model.dead_letters.since(1, NOW_MS) == {"invalid_data": 1}


def test_it_is_kept_whose_person_was_forgotten() -> None:
    topics = Topics()
    topics.put(LIFECYCLE, lifecycle("erased", "a"), at_ms=NOW_MS - 5)
    assert topics.model.forgotten == {"a": NOW_MS - 5}


@cases("topic", [*KEPT_TOPICS, *WATCHED_TOPICS])
@cases("garbage", [b"", b"\xff\xfe", b"[]", b"{}", b"null", b'{"id": 7}', b"[" * 100_000])
def test_garbage_of_ours_is_counted_and_none_changes_anything_else(topic: str, garbage: bytes) -> None:
    topics = Topics()
    topics.put(topic, garbage, headers=[("ce_id", b"\xff")])
    assert topics.model.accounts.rows == {}
    assert topics.model.positions == {(topic, 0): 1}
    assert topics.model.unreadable[topic] == int(topic in (STATE, LIFECYCLE, OUTCOMES, TEST_CLOCK_SETTLED))


def test_what_is_listed_one_by_one_is_bounded() -> None:
    topics = Topics()
    for number in range(2 * KEPT_LATEST + 1):
        topics.put(LIFECYCLE, lifecycle("order_rejected", "a", number + 1))
    assert len(topics.model.latest.rejections) == KEPT_LATEST
    assert sum(topics.model.rejections.since(1, NOW_MS).values()) == 2 * KEPT_LATEST + 1


@pytest.mark.parametrize("decision_first", [False, True])
def test_latency_is_the_time_between_the_records_whichever_is_read_first(decision_first: bool) -> None:
    topics = Topics()
    decision = lifecycle("renewed", "a", cause={"type": "tenure.renewal.ordered.v1", "id": "evt-1"})
    steps = [(PURCHASES, {"id": "evt-1"}, NOW_MS - 900), (LIFECYCLE, decision, NOW_MS - 650)]
    for topic, value, at_ms in reversed(steps) if decision_first else steps:
        topics.put(topic, value, at_ms=at_ms)
    found = topics.model.to_decision.quantiles(NOW_MS)
    assert found is not None
    assert (found.p50, found.p99, found.samples) == (0.25, 0.25, 1)


def test_a_mail_is_timed_from_the_event_that_led_to_it() -> None:
    topics = Topics()
    topics.put(PURCHASES, {"id": "evt-1"}, at_ms=NOW_MS - 3000)
    topics.put(LIFECYCLE, lifecycle("renewed", "a", 7, cause={"type": "x.y.v1", "id": "evt-1"}), at_ms=NOW_MS - 2000)
    topics.put(OUTCOMES, outcome("delivered", "a", channel="email", lifecycle_event_id="a:7"), at_ms=NOW_MS)
    found = topics.model.to_mail.quantiles(NOW_MS)
    assert found is not None
    assert found.p50 == 3.0
    assert topics.model.to_mail.quantiles(NOW_MS + 15 * 60 * 1000) is None


def test_rates_count_the_last_hour_by_the_timestamps_of_the_records() -> None:
    topics = Topics()
    for seconds in (5, 15, 15, 3599, 3601, 90_000):
        topics.put(LIFECYCLE, lifecycle("renewed", "a"), at_ms=NOW_MS - seconds * 1000)
    series = topics.model.rates.series(LIFECYCLE, NOW_MS)
    assert (len(series), series[0], series[-2], series[-1]) == (360, 0.1, 0.2, 0.1)
    assert sum(series) == pytest.approx(0.4)
    assert topics.model.rates.recent(LIFECYCLE, 0, NOW_MS) == 3 / 60


def test_the_test_clock_stands_where_it_was_moved_to_last() -> None:
    topics = Topics()
    settled = example("tenure.clock.settled.v1")
    for now in ("2026-02-21T02:00:00Z", "2026-02-22T02:00:00Z", "2026-02-21T03:00:00Z"):
        topics.put(TEST_CLOCK_SETTLED, settled | {"data": settled["data"] | {"now": now}})
    assert topics.model.test_clock == datetime(2026, 2, 22, 2, tzinfo=UTC)
