"""A restart with another policy, on a real database: accounts are timed anew before anything is decided (R51)."""

from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from sqlalchemy import text

from shared.contracts.topics import STATE
from shared.runtime.components import ServiceContext
from shared.runtime.health import Health
from shared.storage.database import Connection
from subscription_service import retiming
from subscription_service.domain.policy import Rules
from subscription_service.policy_files.comparison import document
from subscription_service.retiming import Retiming
from subscription_service.storage import next_timers, rule_changes
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Batch, Core
from tests.integration.subscription.fresh_core import core_with
from tests.integration.subscription.test_taking_back import at, lifecycle
from tests.unit.domain.scenario import ACCOUNT, RULES, credit, decline, purchase, rules, when

RESTART = "2026-02-22 09:00"
"""Bought 31 January for a month: E is 28 February, a reminder was due on 21 February at 10:00."""
MORE = rules(reminder_days=(20, 14, 7))


@pytest.fixture
def core(postgres: Postgres) -> Iterator[Core]:
    """A copy that has started with the default rules."""
    with core_with(RULES, postgres) as made:
        made.begin()
        made._clock.instant = when("2026-01-31 08:00")
        restart(made, RULES)
        yield made


def restart(core: Core, with_rules: Rules, health: Health | None = None) -> Health:
    """What a start does before it decides: the rules are recorded, and accounts are timed by them."""
    core.reading(lambda connection: rule_changes.add(connection, document(with_rules), changes="", accepted=False))
    health = health or Health()
    core._runner.run(_retiming(core, with_rules, health).prepare())
    return health


def _retiming(core: Core, with_rules: Rules, health: Health) -> Retiming:
    users = [core._timers.use, core._batch_processor.use, core._documents.use]
    context = SimpleNamespace(engine=core._engine, clock=core._clock, health=health)
    return Retiming(with_rules, cast(ServiceContext, context), users=users)


def happened(core: Core) -> Sequence[Any]:
    """Kind and time of each lifecycle event after the first."""
    return [(one["type"].split(".")[2], one["time"]) for one in lifecycle(core)[1:]]


async def _row(connection: Connection) -> Any:
    columns = "next_timer, next_due_at, decided_at, ctid"
    found = await connection.execute(text(f"SELECT {columns} FROM account WHERE account_id = '{ACCOUNT}'"))
    return found.one()


@pytest.mark.rule("R4", "R51")
@pytest.mark.parametrize("new", [MORE, rules(reminder_days=(3,))])
def test_what_was_due_while_no_copy_ran_happens_once_and_what_only_the_new_policy_had_is_left_out(
    core: Core, new: Rules
) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when(RESTART)
    assert restart(core, new).ready
    assert happened(core) == []
    core.run_due(when(RESTART))
    assert happened(core) == [("renewal_due", "2026-02-21T02:00:00Z")]
    assert lifecycle(core)[1]["data"]["days_left"] == 6
    assert core.differences() == []


@pytest.mark.rule("R4", "R20", "R51")
def test_a_deduction_that_was_due_while_no_copy_ran_is_taken_though_the_new_policy_has_other_days(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase(auto_renewal=True), credit("1000.00")))
    core._clock.instant = when("2026-02-20 09:00")
    restart(core, rules(auto_renewal_attempt_days=(12, 8, 5, 1)))
    core.run_due(when("2026-02-20 09:00"))
    assert happened(core) == [("renewed", "2026-02-19T00:00:00Z")]
    assert core.differences() == []


@pytest.mark.rule("R4", "R51")
def test_an_event_of_the_downtime_does_not_lose_what_was_due_after_it_by_the_old_policy(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when(RESTART)
    restart(core, rules(reminder_days=(3,)))
    core.receive(Batch(when(RESTART), at("2026-02-20 09:00", decline(), first=5).records))
    assert [kind for kind, _ in happened(core)] == ["renewal_declined", "renewal_due"]


@pytest.mark.rule("R51")
def test_a_state_document_names_what_comes_after_the_restart_where_something_is_left_out(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when("2026-02-20 09:00")
    restart(core, rules(reminder_days=(20, 14)))
    core.receive(Batch(when("2026-02-20 09:00"), at("2026-02-10 09:00", decline(), first=5).records))
    document = orjson.loads(core.published(STATE)[-1])
    assert document["next_action"] == {"kind": "expiry", "at": "2026-02-28T16:00:00Z"}


@pytest.mark.rule("R51")
def test_a_second_restart_with_the_same_policy_still_knows_what_was_due_before_the_first(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    for instant in (RESTART, "2026-02-25 09:00"):
        core._clock.instant = when(instant)
        restart(core, rules(reminder_days=(5,)))
    core.run_due(when("2026-02-25 09:00"))
    assert [time for _, time in happened(core)] == ["2026-02-21T02:00:00Z", "2026-02-23T02:00:00Z"]


@pytest.mark.rule("R51")
def test_a_copy_that_died_while_it_timed_the_accounts_leaves_it_to_the_next_for_the_same_restart(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when(RESTART)
    new = rules(reminder_days=(5,))
    core.reading(lambda connection: rule_changes.add(connection, document(new), changes="", accepted=False))
    core._runner.run(_retiming(core, new, Health())._begin())
    core._clock.instant = when("2026-02-23 11:00")
    restart(core, new)
    core.run_due(when("2026-02-23 11:00"))
    assert [time for _, time in happened(core)] == ["2026-02-21T02:00:00Z", "2026-02-23T02:00:00Z"]


@pytest.mark.rule("R51")
def test_a_policy_whose_start_was_not_carried_through_had_nothing_due(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when("2026-02-20 09:00")
    core._runner.run(_retiming(core, rules(reminder_days=(8,)), Health())._begin())
    core._clock.instant = when(RESTART)
    restart(core, rules(reminder_days=(3,)))
    core.run_due(when(RESTART))
    assert [time for _, time in happened(core)] == ["2026-02-21T02:00:00Z"]


@pytest.mark.rule("R4", "R51")
def test_the_restart_s_instant_is_a_whole_second(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    core._clock.instant = when("2026-02-20 09:00").replace(microsecond=345678)
    restart(core, MORE)
    core.run_due(core._clock.instant)
    row = core.reading(_row)
    assert (row.next_timer, row.next_due_at) == ("reminder", when("2026-02-21 10:00"))
    assert row.decided_at == when("2026-02-20 09:00")
    assert happened(core) == []


class Told(Health):
    """Keeps what `/ready` would have said."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def mark_unready(self, component: str, reason: str, *, in_log: str | None = None) -> None:
        self.told.append(f"{component}: {reason}")


def test_ready_says_that_accounts_are_being_timed(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retiming, "_ACCOUNTS_PER_TRANSACTION", 1)
    core.receive(at("2026-01-31 09:00", purchase()))
    restart(core, MORE, health := Told())
    assert health.told == ["policy: 1 of 1 accounts have got their next timers by a new policy so far"]


@pytest.mark.rule("R51")
def test_a_policy_that_has_the_same_due_times_no_account(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retiming, "_ACCOUNTS_PER_TRANSACTION", 1)
    core.receive(at("2026-01-31 09:00", purchase()))
    for new in (rules(grace_days=8, version="2"), rules(grace_days=9)):
        restart(core, new, health := Told())
        assert health.told == []
    core._clock.instant = when(RESTART)
    restart(core, rules(grace_days=9, reminder_days=(3,)))
    core.run_due(when(RESTART))
    assert [time for _, time in happened(core)] == ["2026-02-21T02:00:00Z"]


@pytest.mark.rule("R51")
def test_only_an_account_with_another_timer_is_written_and_none_that_was_decided_meanwhile(core: Core) -> None:
    core.receive(at("2026-01-31 09:00", purchase()))
    before = core.reading(_row)
    [timed] = core.reading(lambda connection: next_timers.read_next(connection, after="", limit=9))
    assert core.reading(lambda connection: next_timers.read_next(connection, after=ACCOUNT, limit=9)) == []
    restart(core, rules(reminder_days=(7, 3)))
    assert core.reading(_row).ctid == before.ctid
    core.receive(at("2026-02-01 09:00", decline(), first=5))
    decided = core.reading(_row)
    core.reading(lambda connection: next_timers.set_anew(connection, [timed._replace(timer=None)]))
    assert core.reading(_row) == decided
