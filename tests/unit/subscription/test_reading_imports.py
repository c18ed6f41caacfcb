"""What of an import is no import: each fault names its field, and becomes a dead letter `invalid_data` (R42)."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from msgspec import structs

from shared.contracts.topics import PURCHASES
from shared.contracts.unreadable import Reason, Unreadable
from subscription_service.handlers import Incoming, in_turn, read, why_too_early
from tests.kit.cases import cases
from tests.kit.records import kafka_record
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import RULES, credit, purchase
from tests.unit.subscription.single_account import incoming

pytestmark = pytest.mark.rule("R42")
GOLDEN: dict[str, Any] = json.loads(
    files("shared.contracts").joinpath("examples/tenure.subscription.imported.v1.json").read_text("utf-8")
)
"""An anchor day of 31 and two terms: 2025-01-31 to 2026-01-31, and on to 2026-02-28."""
NOON = datetime(2026, 1, 20, 4, tzinfo=UTC)


def read_with(**changes: Any) -> Incoming:
    """The golden import with other values: a path such as `terms__1__months`, and what stands there."""
    event = deepcopy(GOLDEN)
    for path, value in changes.items():
        *way, last = [int(each) if each.isdigit() else each for each in path.split("__")]
        place: Any = event["data"]
        for each in way:
            place = place[each]
        place[last] = value
    record = kafka_record(PURCHASES, json.dumps(event).encode())
    return read(record, PURCHASES, currency="USD", zone=RULES.policy.billing_zone)


def test_the_golden_import_is_one() -> None:
    assert read_with().is_import


@cases(
    ("changes", "detail"),
    [
        ({"terms": []}, "data.terms"),
        ({"terms__0__months": 0}, "data.terms.0.months"),
        ({"terms__0__months": 1201}, "data.terms.0.months"),
        ({"terms__0__months": 1.5}, "data.terms.0.months"),
        ({"terms__1__order_id": "old-2025-0131"}, "terms.1.order_id: expected another one than in terms.0"),
        ({"terms__1__starts_at": "2026-01-31T16:00:01Z"}, "terms.1.starts_at: expected 2026-01-31T16:00:00Z"),
        ({"terms__1__starts_at": "2026-02-01T00:00:00Z"}, "terms.1.starts_at: expected 2026-01-31T16:00:00Z"),
        ({"terms__1__expires_on": "2026-01-31"}, "terms.1.expires_on: expected a day after 2026-01-31"),
        ({"terms__1__expires_on": "9991-02-28"}, "terms.1.expires_on: expected a day up to the year 9990"),
        ({"terms__0__starts_at": "2026-01-31T16:00:00Z"}, "terms.0.starts_at: expected an instant before the end"),
        ({"terms__0__specification__value_added": {"honeypot": -20}}, "terms.0.specification.value_added.honeypot"),
        ({"auto_renewal": {"cycle_months": 2}}, "auto_renewal.cycle_months: Input should be 1, 3 or 12"),
        ({"declined": True}, "declined: expected false where auto_renewal is on"),
        ({"anchor_day": 0}, "data.anchor_day"),
        ({"anchor_day": 32}, "data.anchor_day"),
        ({"anchor_day": 27}, "anchor_day: expected the day of the last expires_on, 28"),
        ({"terms__1__specification__edition": "gold"}, "data.terms.1.specification.edition"),
        ({"contact": None}, "data.contact"),
    ],
)
def test_a_fault_is_named_by_its_field(changes: dict[str, Any], detail: str) -> None:
    with pytest.raises(Unreadable) as unreadable:
        read_with(**changes)
    assert unreadable.value.reason is Reason.INVALID_DATA
    assert detail in unreadable.value.detail


@pytest.mark.parametrize("anchor_day", [28, 29, 30, 31])
def test_every_anchor_day_that_a_short_month_clamps_to_the_last_day_fits(anchor_day: int) -> None:
    assert read_with(anchor_day=anchor_day).event.data.anchor_day == anchor_day


def test_the_instants_of_terms_may_have_any_offset() -> None:
    assert read_with(terms__1__starts_at="2026-02-01T00:00:00+08:00").is_import


def test_the_first_term_has_started_when_the_clock_shows_its_second() -> None:
    first = datetime(2025, 1, 31, 2, 15, 30, tzinfo=UTC)
    event = read_with()
    event.event = structs.replace(event.event, time=first)
    assert why_too_early(event, first + timedelta(microseconds=1)) is None
    early = why_too_early(event, first - timedelta(microseconds=1))
    assert early is not None
    assert (early.reason, early.detail.partition(":")[0]) == (Reason.INVALID_DATA, "data.terms.0.starts_at")


@pytest.mark.rule("R39")
def test_an_import_names_its_own_id_and_those_of_its_orders() -> None:
    keys = read_with().business_keys
    assert [key[:2] for key in keys] == [
        ("import", "imp-acct-2001"),
        ("order", "old-2025-0131"),
        ("order", "old-2026-0131"),
    ]
    assert len({key.fingerprint for key in keys}) == 1


def test_a_batch_is_taken_in_parts_only_where_an_id_depends_on_an_imports_decision() -> None:
    first, other = import_of(), import_of(imported_term("old-2"), import_id="imp-2")
    again, order = import_of(imported_term("old-3")), purchase("old-1")
    money = credit("1.00", "imp-1")
    assert parts(first, other, money) == [[first, other, money]]
    assert parts(order, first) == [[order, first]]
    assert parts(first, other, order) == [[first, other], [order]]
    assert parts(first, again, order) == [[first], [again, order]]
    assert parts() == [[]]


def parts(*events: Any) -> list[list[Any]]:
    read_events = [incoming(NOON, each) for each in events]
    return [[event.event.data for event in part] for part in in_turn(read_events)]
