"""Imports and what waits for them, or for which they wait (R42, R43, R40, R4), without a database."""

from datetime import timedelta

import pytest

from shared.contracts.lifecycle import Expired, OrderRejected, Released, RenewalDue, Renewed
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.lifecycle_parts import Actor, RejectionCode
from shared.storage.event_counts import EventOutcome
from subscription_service.handlers import Verdict
from subscription_service.outbox_entries import EmittedEvent, _actor
from tests.unit.domain.imports import import_of, imported_term
from tests.unit.domain.scenario import bound, purchase, renewal, specification, when
from tests.unit.subscription.single_account import SingleAccount, incoming, unit_of_work

NOON = when("2026-01-20 12:00")
SECOND = timedelta(seconds=1)
YEARS = timedelta(days=700)


@pytest.mark.rule("R43")
def test_an_old_export_is_decided_as_of_the_clock_to_the_second() -> None:
    account = SingleAccount(NOON + timedelta(milliseconds=600))
    account.receive((NOON - YEARS, import_of()))
    assert [at for at, _ in account.log] == [NOON]
    assert account.counted == {EventOutcome.APPLIED: 1}


@pytest.mark.rule("R42", "R40")
def test_an_accepted_import_lets_what_waited_go_on_and_decides_it_no_earlier_than_itself() -> None:
    account = SingleAccount(NOON)
    partial = imported_term(bought=specification(mode="partial"))
    account.receive((NOON, renewal()), (NOON, bound("s-1")))
    account.now += timedelta(minutes=1)
    account.receive((NOON - YEARS, import_of(partial)))
    assert [(at, type(event)) for at, event in account.log] == [
        (NOON + timedelta(minutes=1), Imported),
        (NOON + timedelta(minutes=1), Renewed),
    ]
    assert not account.locked.waiting


@pytest.mark.rule("R42", "R40")
def test_a_refused_import_leaves_what_waits_waiting() -> None:
    account = SingleAccount(NOON)
    account.receive((NOON, renewal()))
    long_over = imported_term(starts="2025-01-15 09:00", expires="2025-02-15")
    account.receive((NOON, import_of(long_over)))
    assert account.kinds == ["OrderRejected"]
    assert len(account.locked.waiting) == 1


@pytest.mark.rule("R42", "R39")
def test_an_import_with_a_spent_id_is_refused_and_names_its_own_id() -> None:
    account = SingleAccount(NOON)
    event = incoming(NOON, import_of())
    event.verdict = Verdict.CONFLICT
    account.handle([event])
    ((_, rejected),) = account.log
    assert isinstance(rejected, OrderRejected)
    assert (rejected.code, rejected.order_id) == (RejectionCode.ORDER_CONFLICT, "imp-1")
    assert account.counted == {EventOutcome.REJECTED: 1}


@pytest.mark.rule("R42", "R39")
def test_only_refused_imports_give_their_ids_back() -> None:
    account = SingleAccount(NOON)
    begun = unit_of_work(NOON, account.locked)
    first, second = incoming(NOON, import_of()), incoming(NOON, import_of(import_id="imp-2"))
    refused_order = incoming(NOON, purchase("p-9"))
    list(begun.handle([first, second, refused_order]))
    assert begun.refused_imports == [second]


@pytest.mark.rule("R43", "R4")
def test_an_import_waits_for_what_is_due_before_it_and_is_decided_last() -> None:
    account = SingleAccount(when("2026-01-15 09:00"))
    account.receive((account.now, purchase()))
    account.now = when("2026-02-24 09:00")
    later = import_of(imported_term("old-2", starts="2026-02-20 09:00", expires="2026-03-20"))
    account.receive((when("2026-02-01 09:00"), later), (account.now - SECOND, renewal()))
    account.catch_up()
    kinds = [type(event) for _, event in account.log[1:]]
    assert [kind for kind in kinds if kind in (RenewalDue, Expired, Released)] == [RenewalDue, Expired, Released]
    assert kinds[-2:] == [OrderRejected, Imported]
    assert account.log[-1][0] == account.now


@pytest.mark.rule("R44")
def test_no_customer_is_named_as_who_took_it_over() -> None:
    account = SingleAccount(NOON)
    begun = unit_of_work(NOON, account.locked)
    list(begun.handle([incoming(NOON, import_of()), incoming(NOON, import_of(import_id="imp-2"))]))
    assert [type(event.data) for event in begun.emitted] == [Imported, OrderRejected]
    assert {actor_of(event) for event in begun.emitted} == {Actor.SYSTEM}


def actor_of(event: EmittedEvent) -> Actor:
    return _actor(event)
