"""Trying an event and then doing it lead to the same events and the same state, whatever happened before."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.inbound import InboundData
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.unreadable import Reason, Unreadable
from subscription_service.domain.model import Account
from subscription_service.domain.overview import overview
from subscription_service.handlers import Incoming
from subscription_service.trying import begin, decide, event_now
from subscription_service.unit_of_work import LockedAccount
from tests.kit.cases import cases
from tests.kit.examples import examples
from tests.unit.domain.lives import about_the_last_term, take, timed
from tests.unit.domain.price_lists import CHANGING as RULES
from tests.unit.domain.scenario import ACCOUNT, Scenario, when
from tests.unit.domain.strategies import COMMANDS, LIVES, PAUSES, Life
from tests.unit.subscription.single_account import incoming

NOON = when("2026-01-15 12:00")


def tried(account: Account, event: Incoming, now: datetime) -> tuple[list[LifecycleData], Account]:
    """The events that would follow, and the account then."""
    locked = LockedAccount(account, account, partition=0, revision=1)
    unit_of_work = begin(locked, now=now, rules=RULES)
    for _ in decide(unit_of_work, event):
        pass
    assert locked.before is account
    return [emitted.data for emitted in unit_of_work.emitted], locked.account


@pytest.mark.rule("R4", "R41")
@given(life=LIVES, pause=PAUSES, command=COMMANDS)
@settings(max_examples=examples(150), deadline=None)
def test_what_is_tried_is_what_then_happens(life: Life, pause: timedelta, command: InboundData) -> None:
    scenario = Scenario(rules=RULES)
    for time, earlier in timed(life):
        take(scenario, time, earlier)
    now = time + pause
    command = about_the_last_term(command, scenario.account.subscription)
    events, account = tried(scenario.account, incoming(now, command), now)
    assert events == scenario.receive(now, command)  # after what was due in the pause
    assert account.version == scenario.account.version
    shown = [overview(each, revision=1, as_of=now, rules=RULES) for each in (account, scenario.account)]
    assert shown[0] == shown[1]


@pytest.mark.rule("R4")
@given(life=LIVES, pause=st.timedeltas(timedelta(days=20), timedelta(days=90)))
@settings(max_examples=examples(30), deadline=None)
def test_what_is_due_happens_before_what_is_tried(life: Life, pause: timedelta) -> None:
    scenario = Scenario(rules=RULES)
    for time, earlier in timed(life):
        take(scenario, time, earlier)
    now = time + pause
    command = life.bought
    events, _ = tried(scenario.account, incoming(now, command), now)
    assert events[: -1 or None] == scenario.advance_to(now)[: len(events) - 1]


@cases(
    ("type_", "data", "reason", "detail"),
    [
        ("tenure.renewal.orderd.v1", {}, Reason.UNKNOWN_TYPE, "type: 'tenure.renewal.orderd.v1'"),
        ("tenure.clock.advanced.v1", {"now": "2026-01-15T12:00:00Z"}, Reason.UNKNOWN_TYPE, "type: "),
        ("tenure.subscription.renewed.v1", {}, Reason.UNKNOWN_TYPE, "type: "),
        ("tenure.renewal.declined.v1", {"account_id": "other"}, Reason.SUBJECT_MISMATCH, "subject: "),
        ("tenure.renewal.ordered.v1", {"order_id": "o-1"}, Reason.INVALID_DATA, "data.duration_months: "),
        (
            "tenure.account.credited.v1",
            {"entry_id": "e-1", "amount": "1.00", "currency": "CNY"},
            Reason.INVALID_DATA,
            "data.currency: expected 'USD'",
        ),
        ("tenure.configuration.recorded.v1", {"kind": "tag", "key": "\ud800"}, Reason.INVALID_DATA, "no low surrogate"),
    ],
)
def test_what_would_become_a_dead_letter_for_its_content_cannot_be_tried(
    type_: str, data: dict[str, object], reason: Reason, detail: str
) -> None:
    with pytest.raises(Unreadable) as unreadable:
        event_now(type_, {"account_id": ACCOUNT, **data}, account_id=ACCOUNT, now=NOON, rules=RULES)
    assert unreadable.value.reason is reason
    assert unreadable.value.detail.startswith(detail)


@pytest.mark.rule("R42")
def test_an_import_whose_first_term_has_not_started_cannot_be_tried() -> None:
    specification = {"edition": "advanced", "protection_mode": "full", "protected_servers": 1, "cores": 0}
    term = {"order_id": "o-1", "starts_at": "2026-01-15T12:00:01Z", "months": 1, "expires_on": "2026-02-15"}
    contact = {"name": "A", "email": "a@example.com", "locale": "en", "time_zone": "UTC"}
    data = {
        "account_id": ACCOUNT,
        "import_id": "i-1",
        "anchor_day": 15,
        "contact": contact,
        "auto_renewal": None,
        "terms": [{**term, "specification": {**specification, "value_added": {}}}],
        "declined": False,
    }
    with pytest.raises(Unreadable) as unreadable:
        event_now("tenure.subscription.imported.v1", data, account_id=ACCOUNT, now=NOON, rules=RULES)
    assert unreadable.value.reason is Reason.INVALID_DATA
    assert unreadable.value.detail.startswith("data.terms")
