"""Trying an event on the real database, then doing it: the same events, the same state; and nothing is stored."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given

from shared.contracts.envelope import to_json
from shared.contracts.topics import LIFECYCLE, TOPIC_OF_TYPE
from subscription_service.domain.overview import overview
from subscription_service.receipts import ReceiptOutcome
from subscription_service.storage import accounts
from subscription_service.trying import Tried, event_now, try_event
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.fresh_core import core_with
from tests.integration.subscription.test_replaying import SOME, events_of
from tests.kit.events import PARTIAL, START, account, credit, event, purchase, renewal
from tests.unit.domain.price_lists import CHANGING as RULES
from tests.unit.domain.strategies import LIVES, Life

OF_THE_CAUSE: Final = ("sequence", "traceparent")


@pytest.fixture(scope="module")
def core(postgres: Postgres) -> Iterator[Core]:
    with core_with(RULES, postgres) as made:
        yield made


def trying(core: Core, one: dict[str, Any], now: datetime) -> Tried:
    incoming = event_now(one["type"], one["data"], account_id=one["subject"], now=now, rules=RULES)
    return core.reading(lambda connection: try_event(connection, incoming, now=now, rules=RULES))


def doing(core: Core, one: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The lifecycle events that follow from the event, and from what was due before."""
    before = {event["id"] for event in published(core)}  # an erasure rewrites what is there already
    core.receive(Batch(now, [record(TOPIC_OF_TYPE[one["type"]], one | {"time": now.isoformat()})]))
    found = [event for event in published(core) if event["id"] not in before]
    return sorted(map(without_cause, found), key=lambda each: each["data"]["version"])


def published(core: Core) -> list[dict[str, Any]]:
    return [json.loads(value) for value in core.published(LIFECYCLE)]


def without_cause(document: dict[str, Any]) -> dict[str, Any]:
    """The id of the event in differs; so does what is given once the event is published."""
    kept = {name: value for name, value in document.items() if name not in OF_THE_CAUSE}
    kept["data"] = kept["data"] | {"cause": kept["data"]["cause"]["type"]}
    return kept


def foretold(tried: Tried) -> list[dict[str, Any]]:
    return [without_cause(json.loads(value)) for value in tried.events]


def state_of(core: Core, who: str, now: datetime) -> dict[str, Any] | None:
    """The state document that would be made now."""
    stored = core.reading(lambda connection: accounts.find_with_state(connection, who))
    if stored is None:
        return None
    return shown(to_json(overview(stored.account, revision=0, as_of=now, rules=RULES)))


def shown(document: bytes) -> dict[str, Any]:
    return {**json.loads(document), "revision": 0}


@pytest.mark.rule("R4", "R40", "R41")
@given(life=LIVES)
@SOME
def test_what_is_tried_is_what_then_happens_on_the_database_too(core: Core, life: Life) -> None:
    core.begin()
    for now, (_, one) in events_of(life, 1):
        core.run_due(now - timedelta(days=5))  # of the time since, it is tried before anything that was due has run
        before = core.stored()
        tried = trying(core, one, now)
        assert core.stored() == before
        assert foretold(tried) == doing(core, one, now)
        assert (shown(to_json(tried.state)) if tried.state else None) == state_of(core, one["subject"], now)


def outcome(core: Core, one: dict[str, Any], now: datetime = START) -> tuple[str, str]:
    receipt = trying(core, one, now).receipt
    return receipt.outcome, receipt.detail


@pytest.mark.rule("R39")
def test_an_id_that_is_spent_answers_as_it_would_and_one_that_is_tried_is_not_spent(core: Core) -> None:
    core.begin()
    who = account()
    bought, paid = purchase(who), credit(who, "5.00")
    for one in (bought, paid):
        assert outcome(core, one) == outcome(core, one) == (ReceiptOutcome.APPLIED, "")
        doing(core, one, START)
        assert outcome(core, one) == (ReceiptOutcome.DUPLICATE, "")
        assert trying(core, one, START).events == []
    other = renewal(who, order_id=bought["data"]["order_id"])
    assert outcome(core, other) == (ReceiptOutcome.REJECTED, "order_conflict")
    more = credit(who, "6.00", entry_id=paid["data"]["entry_id"])
    assert outcome(core, more) == (ReceiptOutcome.DEAD_LETTER, "id_conflict: entry_id: spent by other content")
    assert core.counted() == {"parked": 0, "applied": 2}


@pytest.mark.rule("R40")
def test_what_waits_would_wait_and_is_refused_where_no_more_may(core: Core) -> None:
    core.begin()
    who = account()
    assert outcome(core, renewal(who)) == (ReceiptOutcome.WAITING, "purchase")
    tried = trying(core, renewal(who), START)
    assert (tried.events, tried.state) == ([], None)
    doing(core, renewal(who), START)
    refused = trying(core, renewal(who), START + timedelta(minutes=15))  # the first one's time is over
    assert [each["data"]["code"] for each in foretold(refused)] == ["not_subscribed"]
    assert refused.receipt.outcome is ReceiptOutcome.WAITING
    assert core.counted() == {"parked": 1}


@pytest.mark.rule("R40")
def test_a_purchase_that_is_tried_lets_go_on_what_waits_for_it_and_it_still_waits(core: Core) -> None:
    core.begin()
    who = account()
    doing(core, renewal(who), START)
    tried = trying(core, purchase(who), START)
    assert [each["type"].split(".")[2] for each in foretold(tried)] == ["activated", "renewed"]
    assert core.counted() == {"parked": 1}


@pytest.mark.rule("R16", "R36")
def test_all_servers_are_looked_at_where_an_order_may_bind_them(core: Core) -> None:
    core.begin()
    who = account()
    full = PARTIAL | {"protection_mode": "full", "protected_servers": 3, "cores": 12}
    for number in range(3):
        doing(core, event("server.registered", account_id=who, server_id=f"s-{number}", cores=1), START)
    doing(core, purchase(who, specification=full), START)
    order: dict[str, Any] = {"order_id": "to-partial", "specification": PARTIAL, "terms_accepted": True}
    tried = trying(core, event("specification.change_ordered", account_id=who, **order), START)
    assert tried.state
    assert (tried.state.bound.servers, tried.state.protected_assets) == (2, 2)
