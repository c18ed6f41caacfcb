"""Imports on a real database: which ids they spend, what the audit says, and what a mail-less move looks like (R42)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import orjson
import pytest

from shared.contracts.inbound import InboundData
from subscription_service.domain.terms import subscription_id_of
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import credit, purchase, renewal, when

pytestmark = pytest.mark.rule("R42")
NOON: Final = when("2026-01-20 12:00")
LONG_OVER: Final = imported_term("old-1", starts="2025-01-15 09:00", expires="2025-02-15")


class Sender:
    """Numbers events, so that each has an id of its own."""

    def __init__(self, core: Core) -> None:
        self.core, self.sent = core, 0
        core.begin()

    def send(self, *commands: InboundData, now: Any = NOON) -> list[tuple[str, str | None]]:
        """One batch; kind and code of the lifecycle events that it led to."""
        before = len(self.core.published("subscription-lifecycle"))
        records = [record(*event(self.sent + number, NOON, each)) for number, each in enumerate(commands)]
        self.sent += len(commands)
        self.core.receive(Batch(now, records))
        return [_kind(value) for value in self.core.published("subscription-lifecycle")[before:]]


def _kind(value: bytes) -> tuple[str, str | None]:
    lifecycle = orjson.loads(value)
    return lifecycle["type"].split(".")[2], lifecycle["data"].get("code")


@pytest.fixture
def sender(core: Core) -> Sender:
    return Sender(core)


@pytest.mark.rule("R39")
def test_an_accepted_import_spends_its_id_and_those_of_its_orders(sender: Sender) -> None:
    chain = imported_term(), imported_term("old-2", starts="2026-02-16 00:00", expires="2026-03-15")
    assert sender.send(import_of(*chain)) == [("imported", None)]
    assert sender.send(renewal("old-2"), renewal("old-9")) == [("order_rejected", "order_conflict"), ("renewed", None)]
    assert sender.send(import_of(*chain)) == []
    assert sender.send(import_of(*chain, declined=True)) == [("order_rejected", "order_conflict")]
    assert sender.core.counted() == {"applied": 2, "rejected": 2, "duplicate": 1, "parked": 0}
    assert sender.core.differences() == []


@pytest.mark.rule("R39")
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_a_refused_import_spends_no_id_but_its_events(sender: Sender, together: bool) -> None:
    corrected = import_of(imported_term("old-1"), import_id="imp-1")
    wanted = [("order_rejected", "import_expired"), ("imported", None), ("order_rejected", "order_conflict")]
    commands: list[InboundData] = [import_of(LONG_OVER), corrected, purchase("old-1")]
    if together:
        assert sender.send(*commands) == wanted
    else:
        assert [one for each in commands for one in sender.send(each)] == wanted
    assert sender.core.differences() == []


@pytest.mark.rule("R39")
def test_the_order_of_a_refused_import_can_still_be_placed(sender: Sender) -> None:
    assert sender.send(import_of(LONG_OVER), purchase("old-1")) == [
        ("order_rejected", "import_expired"),
        ("activated", None),
    ]


@pytest.mark.rule("R39")
def test_an_import_that_names_a_spent_order_is_refused_and_gives_the_others_back(sender: Sender) -> None:
    sender.send(purchase("p-1", terms_accepted=False))
    chain = imported_term("old-1"), imported_term("p-1", starts="2026-02-16 00:00", expires="2026-03-15")
    assert sender.send(import_of(*chain)) == [("order_rejected", "order_conflict")]
    assert sender.send(import_of(imported_term("old-1"))) == [("imported", None)]
    assert sender.send(purchase("p-1", terms_accepted=False)) == []
    assert sender.core.differences() == []


@pytest.mark.rule("R39", "R18")
def test_an_order_that_auto_renewal_has_placed_here_is_spent_and_one_of_the_imports_own_past_is_not(
    sender: Sender,
) -> None:
    placed = f"auto-{subscription_id_of('old-1')}-2026-02-15"
    sender.send(credit("1000.00"), import_of(cycle=1))
    assert sender.send(now=when("2026-02-06 08:00")) == [("renewed", None)]
    copied = import_of(imported_term(placed, expires="2026-02-17"), import_id="imp-2", account_id="another")
    assert sender.send(copied) == [("order_rejected", "order_conflict")]
    moved = import_of(imported_term(placed.replace("02-15", "01-15")), import_id="imp-3", account_id="third")
    assert sender.send(moved) == [("imported", None)]
    assert sender.send(moved) == []
    assert sender.core.differences() == []


@pytest.mark.rule("R39")
def test_two_equal_imports_in_one_batch_count_once(sender: Sender) -> None:
    assert sender.send(import_of(), import_of()) == [("imported", None)]
    assert sender.core.counted() == {"applied": 1, "duplicate": 1, "parked": 0}


@pytest.mark.rule("R43", "R4")
def test_an_import_that_had_to_wait_and_is_refused_then_spends_no_id(sender: Sender) -> None:
    sender.send(purchase("p-1"))
    now = when("2026-02-21 00:00")
    assert sender.send(import_of(imported_term("old-1", starts="2026-02-20 09:00", expires="2026-03-20")), now=now) == [
        ("renewal_due", None),
        ("expired", None),
        ("order_rejected", "already_subscribed"),
    ]
    released = when("2026-03-01 00:00")
    again = import_of(imported_term("old-1", starts="2026-02-20 09:00", expires="2026-03-21"), anchor_day=21)
    assert sender.send(again, now=released)[-1] == ("imported", None)
    assert sender.core.differences() == []


@pytest.mark.rule("R43", "R44", "R29")
def test_after_a_move_the_first_thing_published_is_the_next_true_reminder(sender: Sender) -> None:
    money = credit("1000.00")
    assert sender.send(money, import_of(), now=when("2026-02-08 09:59")) == [("imported", None)]
    assert sender.send(now=when("2026-02-08 10:00")) == [("renewal_due", None)]
    document = orjson.loads(sender.core.published("subscription-state")[-1])
    assert (document["state"], Decimal(document["balance"])) == ("active", Decimal("1000.00"))


def test_the_first_term_must_have_started_or_it_is_a_dead_letter_that_spends_no_id(sender: Sender) -> None:
    tomorrow = import_of(imported_term("old-1", starts="2026-01-21 12:00"))
    assert sender.send(tomorrow) == []
    assert sender.core.counted() == {"dead_letter": 1, "parked": 0}
    assert sender.send(tomorrow, now=NOON + timedelta(days=1)) == [("imported", None)]
