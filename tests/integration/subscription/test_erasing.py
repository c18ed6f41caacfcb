"""A person is forgotten in everything that the subscription service stores, and the audit is clean (R48)."""

from typing import Any, Final

import orjson
import pytest
from sqlalchemy import text

from shared.contracts.inbound import InboundData
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE
from shared.contracts.types import Contact
from shared.outbox import dead_letters
from shared.outbox.log import unpack
from shared.storage.database import Connection
from shared.storage.migrations import DEAD_LETTERS_BY_ACCOUNT
from subscription_service.storage import published
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.kit.stored import found_in
from tests.unit.domain.acts import erase, extend
from tests.unit.domain.scenario import (
    ACCOUNT,
    contact_changed,
    purchase,
    recipient,
    recipients_changed,
    renewal,
    when,
)

NAME: Final = "Zebedee"
PLANTED: Final = Contact(name=f"{NAME} Quux", email=f"{NAME.lower()}@planted.example")
BOUGHT: Final = purchase(contact=PLANTED, auto_renewal=True)
REFUSED: Final = purchase("p-2", contact=PLANTED)
ERASED_AT: Final = "2026-01-20 12:00"
Sent = tuple[str, dict[str, Any]]


def sent(number: int, at: str, command: InboundData, **changes: Any) -> Sent:
    return event(number, when(at), command, **changes)


def batch(at: str, *events: Sent) -> Batch:
    return Batch(when(at), [record(*one) for one in events])


def unreadable(number: int, at: str, **changes: Any) -> Sent:
    """A purchase that is a dead letter, with the planted contact."""
    topic, whole = sent(number, at, REFUSED)
    return topic, whole | {"data": whole["data"] | {"duration_months": "many"} | changes}


def with_unknown_field(number: int, at: str, command: InboundData) -> Sent:
    """With a field that no contract knows, in which a name stands."""
    topic, whole = sent(number, at, command)
    return topic, whole | {"data": whole["data"] | {"customer": PLANTED.name}}


def places(core: Core) -> list[str]:
    return core.reading(_found)


async def _found(connection: Connection) -> list[str]:
    return await found_in(connection, NAME)


def events(core: Core) -> list[Any]:
    return [orjson.loads(value) for value in core.published(LIFECYCLE)]


ERASURE: Final = sent(90, ERASED_AT, erase())


@pytest.mark.rule("R48")
def test_nothing_of_the_person_is_left_and_the_audit_is_clean_before_and_after(core: Core) -> None:
    core.begin()
    core.receive(
        batch("2026-01-15 12:00", with_unknown_field(1, "2026-01-15 12:00", renewal("r-1"))),
        batch("2026-01-15 12:01", sent(2, "2026-01-15 12:01", purchase(contact=PLANTED, terms_accepted=False))),
        batch("2026-01-15 12:02", unreadable(3, "2026-01-15 12:02")),
        batch("2026-01-15 12:03", sent(4, "2026-01-15 12:03", contact_changed(PLANTED))),
        batch("2026-01-15 12:04", sent(5, "2026-01-15 12:04", recipients_changed(recipient(NAME)))),
    )
    planted = {"account.contact", "account.recipients", "waiting.value", "log.value"}
    assert set(places(core)) == planted
    assert places(core).count("log.value") == 4
    assert core.differences() == []
    core.receive(batch("2026-01-15 12:10", sent(90, "2026-01-15 12:10", erase())))
    assert places(core) == []
    assert core.differences() == []
    told = ["order_rejected", "contact_changed", "recipients_changed", "erased"]
    assert [one["type"].split(".")[2] for one in events(core)] == told


@pytest.mark.rule("R48")
def test_what_came_in_the_same_batch_before_the_erasure_is_blanked_and_what_came_after_it_stays(core: Core) -> None:
    core.begin()
    later = sent(5, "2026-01-20 12:01", contact_changed(PLANTED))
    first = sent(1, "2026-01-15 12:00", BOUGHT)
    core.receive(batch("2026-01-20 12:01", first, unreadable(2, "2026-01-15 12:00"), ERASURE, later))
    stated = [one["data"].get("contact") for one in events(core)]
    assert stated == [None, None, {"name": PLANTED.name, "email": PLANTED.email, "locale": "en", "time_zone": "UTC"}]
    assert sorted(places(core)) == ["account.contact", "log.value"]
    assert core.differences() == []


@pytest.mark.rule("R48")
def test_a_blanked_event_differs_by_its_contact_alone_whether_it_was_stored_or_not(core: Core) -> None:
    core.begin()
    core.receive(batch(ERASED_AT, sent(1, "2026-01-15 12:00", BOUGHT), sent(2, "2026-01-16 12:00", REFUSED)))
    whole = events(core)
    core.receive(batch(ERASED_AT, ERASURE))
    apart = core.published(LIFECYCLE)
    core.begin()
    core.receive(batch(ERASED_AT, sent(1, "2026-01-15 12:00", BOUGHT), sent(2, "2026-01-16 12:00", REFUSED), ERASURE))
    assert core.published(LIFECYCLE) == apart
    assert [one | {"data": one["data"] | {"contact": None}} for one in whole] == events(core)[:2]


@pytest.mark.rule("R48", "R39")
def test_the_same_erasure_again_and_a_second_one_with_nothing_to_forget_say_nothing(core: Core) -> None:
    core.begin()
    core.receive(batch(ERASED_AT, sent(1, "2026-01-15 12:00", BOUGHT), ERASURE))
    once = core.published(LIFECYCLE)
    core.receive(batch("2026-01-21 12:00", ERASURE, sent(91, "2026-01-21 12:00", erase())))
    assert core.published(LIFECYCLE) == once
    assert core.counted() == {"applied": 3, "duplicate": 1, "parked": 0}
    assert core.differences() == []


@pytest.mark.rule("R48", "G1")
def test_an_erasure_that_is_no_later_than_another_leaves_what_was_stated_since_in_the_log_too(core: Core) -> None:
    core.begin()
    since = sent(2, "2026-01-21 12:00", contact_changed(PLANTED))
    late = sent(91, "2026-01-19 12:00", erase())
    core.receive(batch(ERASED_AT, sent(1, "2026-01-15 12:00", BOUGHT), ERASURE), batch("2026-01-21 12:00", since))
    told = core.published(LIFECYCLE)
    core.receive(batch("2026-01-22 12:00", late))
    assert core.published(LIFECYCLE) == told
    assert sorted(places(core)) == ["account.contact", "log.value"]
    other = sent(3, "2026-01-23 12:00", contact_changed(Contact(name="Else", email="else@acme.example")))
    again = sent(92, "2026-01-19 13:00", erase())
    core.receive(batch("2026-01-23 12:00", other, again))
    assert events(core)[-1]["data"]["contact"]["name"] == "Else"
    assert core.differences() == []


@pytest.mark.rule("R48")
def test_a_second_erasure_empties_the_dead_letters_that_came_since(core: Core) -> None:
    core.begin()
    core.receive(batch(ERASED_AT, ERASURE), batch("2026-01-21 12:00", unreadable(2, "2026-01-19 12:00")))
    assert places(core) == ["log.value"]
    core.receive(batch("2026-01-22 12:00", sent(91, "2026-01-22 12:00", erase())))
    assert places(core) == []


@pytest.mark.rule("R48", "R39", "R40")
def test_a_waiting_event_keeps_the_fingerprint_that_it_came_with(core: Core) -> None:
    core.begin()
    parked = with_unknown_field(1, "2026-01-20 11:59", renewal("r-1"))
    core.receive(batch("2026-01-20 11:59", parked), batch(ERASED_AT, ERASURE))
    assert len(core.stored()["waiting"]) == 1
    again = (parked[0], parked[1] | {"id": "another"})
    other = sent(3, ERASED_AT, renewal("r-1", months=2))
    core.receive(batch("2026-01-20 12:01", again, sent(2, "2026-01-20 11:58", BOUGHT), other))
    kinds = [one["type"].split(".")[2] for one in events(core)]
    assert kinds == ["erased", "activated", "renewed", "order_rejected"]
    assert events(core)[-1]["data"]["code"] == "order_conflict"
    assert (core.counted()["duplicate"], places(core), core.differences()) == (1, [], [])


@pytest.mark.rule("R48", "R4")
def test_an_erasure_that_had_to_wait_forgets_what_was_decided_before_it(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", sent(1, "2026-01-15 12:00", BOUGHT)))
    contact = sent(2, "2026-02-20 12:00", contact_changed(PLANTED))
    core.receive(batch("2026-02-21 12:00", sent(90, "2026-02-20 13:00", erase()), contact))
    assert [one["type"].split(".")[2] for one in events(core)][-1] == "erased"
    assert (places(core), core.differences()) == ([], [])


@pytest.mark.rule("R48")
def test_other_accounts_keep_everything(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", sent(1, "2026-01-15 12:00", BOUGHT), unreadable(2, "2026-01-15 12:00")))
    before = core.stored()
    topic, whole = ERASURE
    stranger = topic, whole | {"subject": "other", "data": whole["data"] | {"account_id": "other"}}
    core.receive(batch(ERASED_AT, stranger))
    after = core.stored()
    assert [row for row in after["log"] if row in before["log"]] == before["log"]
    assert set(before["account"]) < set(after["account"])


@pytest.mark.rule("R48")
def test_a_long_history_is_blanked_step_by_step(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published, "_FORGET_AT_ONCE", 2)
    monkeypatch.setattr(dead_letters, "_AT_ONCE", 2)
    core.begin()
    refused = [sent(number, "2026-01-15 12:00", purchase(f"p-{number}", contact=PLANTED)) for number in range(1, 8)]
    letters = [unreadable(number, "2026-01-15 12:00") for number in range(10, 15)]
    renewals = [sent(number, "2026-01-15 12:00", renewal(f"r-{number}")) for number in range(20, 24)]
    core.receive(batch("2026-01-15 12:00", *refused[:3], *renewals, *refused[3:], *letters), batch(ERASED_AT, ERASURE))
    assert (places(core), len(events(core)), core.differences()) == ([], 12, [])


def letters(core: Core) -> list[Any]:
    return core.reading(_letters)


async def _letters(connection: Connection) -> list[Any]:
    found = await connection.execute(
        text(f"SELECT key, value, headers, account_id FROM log WHERE topic = '{DEAD_LETTERS}' ORDER BY sequence")
    )
    return [(row.key, row.value, dict(unpack(row.headers)), row.account_id) for row in found]


@pytest.mark.rule("R48")
def test_an_emptied_dead_letter_still_tells_why_it_is_one_and_where_it_lay(core: Core) -> None:
    core.begin()
    core.receive(batch("2026-01-15 12:00", unreadable(2, "2026-01-15 12:00")), batch(ERASED_AT, ERASURE))
    [(key, value, headers, account_id)] = letters(core)
    assert (key, value, account_id) == (ACCOUNT.encode(), None, ACCOUNT)
    assert headers.pop("dead-letter-detail") == b"emptied, since the person behind the account was forgotten"
    assert (headers.pop("dead-letter-reason"), headers.pop("dead-letter-topic")) == (b"invalid_data", b"purchases")
    assert set(headers) == {"dead-letter-partition", "dead-letter-offset"}


@pytest.mark.rule("R48")
def test_dead_letters_of_an_older_version_are_found_as_far_as_they_name_an_account(core: Core) -> None:
    core.begin()
    by_name = unreadable(2, "2026-01-15 12:00")
    nameless = ("purchases", b'{"subject": "no id, but a text", "x": 1}')
    core.receive(batch("2026-01-15 12:00", by_name))
    core.receive(Batch(when("2026-01-15 12:00"), [nameless, ("purchases", b"\xff no JSON"), ("purchases", b"[1]")]))
    stored = [account_id for *_, account_id in letters(core)]
    *filling, _ = DEAD_LETTERS_BY_ACCOUNT
    core.migrated("UPDATE log SET account_id = NULL", *filling)
    assert sorted(map(str, stored)) == sorted(str(account_id) for *_, account_id in letters(core))
    assert stored.count(ACCOUNT) == 1


@pytest.mark.rule("R48", "R47")
def test_an_act_keeps_its_operator_and_its_reason(core: Core) -> None:
    core.begin()
    bought = sent(1, "2026-01-15 12:00", BOUGHT)
    core.receive(batch(ERASED_AT, bought, sent(2, ERASED_AT, extend(3, "2026-02-15")), ERASURE))
    told = events(core)
    assert [(one["data"]["operator"], one["data"]["actor"]) for one in told[1:]] == [("o.perez", "operator")] * 2
