"""Lives of an account on a real database: repeats change nothing, every event counts, the log rebuilds the state."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import adapter
from shared.contracts.inbound import INBOUND_EVENTS, InboundData
from shared.contracts.topics import TOPIC_OF_TYPE
from subscription_service.handlers import REGISTRY
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.fresh_core import core_with
from tests.kit.examples import examples
from tests.unit.domain.lives import BIRTH
from tests.unit.domain.price_lists import CHANGING
from tests.unit.domain.strategies import LIVES, Life

PLACE: Final = {contract: (TOPIC_OF_TYPE[name], name) for name, contract in INBOUND_EVENTS.items()}
IMPORTED: Final = "tenure.subscription.imported.v1"
AFTERWARDS: Final = timedelta(days=45)
# An example takes a third of a second: too long to look for the smallest one that fails.
PHASES: Final = (Phase.explicit, Phase.reuse, Phase.generate)
SOME: Final = settings(
    max_examples=examples(15),
    deadline=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def event(number: int, time: datetime, data: InboundData, **changes: Any) -> tuple[str, dict[str, Any]]:
    """(topic, event) as it would stand on the wire."""
    topic, name = PLACE[type(data)]
    fields = {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/tests",
        "type": name,
        "time": time.isoformat(),
        "subject": data.account_id,
        "data": adapter(type(data)).dump_python(data, mode="json"),
    }
    return topic, fields | changes


def events_of(life: Life, before: int) -> list[tuple[datetime, tuple[str, dict[str, Any]]]]:
    """The life's events, each with the instant at which it is read; the purchase comes after the first `before`."""
    sent: list[tuple[datetime, InboundData]] = []
    time = BIRTH
    for number, (pause, command) in enumerate(life.steps):
        time += min(pause, timedelta(minutes=4)) if number < before else pause
        sent.append((time, command))
    place = min(before, len(sent))
    sent.insert(place, (sent[place - 1][0] if place else BIRTH, life.bought))
    return [(time, event(number, time, data)) for number, (time, data) in enumerate(sent)]


def batches(events: Sequence[tuple[datetime, tuple[str, Any]]], size: int) -> list[Batch]:
    """So many events a batch, read when the last of them is there; at the end time passes."""
    cut = [events[first : first + size] for first in range(0, len(events), size)]
    read = [Batch(part[-1][0], [record(*one) for _, one in part]) for part in cut]
    return [*read, Batch(events[-1][0] + AFTERWARDS, ())]


@pytest.fixture(scope="module")
def core(postgres: Postgres) -> Iterator[Core]:
    """With notices of charges (R49), and prices that change within the lives (R50)."""
    with core_with(CHANGING, postgres) as made:
        yield made


LIVED = st.tuples(LIVES, st.integers(0, 3), st.sampled_from([1, 3, 30]))


@pytest.mark.rule("R39", "G1")
@given(lived=LIVED, data=st.data())
@SOME
def test_replaying_any_prefix_changes_nothing(core: Core, lived: tuple[Life, int, int], data: st.DataObject) -> None:
    life, before, size = lived
    events = events_of(life, before)
    core.begin()
    core.receive(*batches(events, size))
    once, counted = core.stored(), core.counted()
    prefix = events[: data.draw(st.integers(1, len(events)))]
    core.receive(Batch(events[-1][0] + AFTERWARDS, [record(*one) for _, one in prefix]))
    assert core.stored() == once
    assert core.counted() - counted == Counter(duplicate=len(prefix))


@pytest.mark.rule("R39", "G1")
@given(lived=LIVED, data=st.data())
@SOME
def test_any_duplication_gives_the_same(core: Core, lived: tuple[Life, int, int], data: st.DataObject) -> None:
    life, before, _ = lived
    events = events_of(life, before)
    core.begin()
    core.receive(*batches(events, 1))
    once, counted = core.stored(), core.counted()
    doubled = duplicated(events, data)
    core.begin()
    core.receive(*[Batch(now, [record(*one) for one in there]) for now, there in doubled])
    core.receive(Batch(events[-1][0] + AFTERWARDS, ()))
    assert core.stored() == once
    assert core.counted() - counted == Counter(duplicate=sum(len(there) for _, there in doubled) - len(events))


def duplicated(
    events: Sequence[tuple[datetime, tuple[str, dict[str, Any]]]], data: st.DataObject
) -> list[tuple[datetime, list[tuple[str, dict[str, Any]]]]]:
    """Each event when it is due, with repeats of any that came before; what spends an id may come as another event."""
    made = []
    for number, (now, one) in enumerate(events):
        repeats = [events[earlier][1] for earlier in data.draw(st.lists(st.integers(0, number), max_size=2))]
        made.append((now, [one, *[_again(topic, event, data) for topic, event in repeats]]))
    return made


def _again(topic: str, event: dict[str, Any], data: st.DataObject) -> tuple[str, dict[str, Any]]:
    """A refused import spends no id (R42), so as another event it is refused again."""
    spends = REGISTRY[topic][event["type"]].spends is not None and event["type"] != IMPORTED
    another = spends and data.draw(st.booleans())
    return topic, event | ({"id": f"{event['id']}-again", "time": BIRTH.isoformat()} if another else {})


CONFLICTING: Final = {"terms_accepted": False, "amount": "0.07", "minimum_spend": "0.07"}
JUNK: Final = st.sampled_from(
    [
        {},
        {"data": {}},
        {"type": "tenure.nothing.v1"},
        {"subject": "another"},
        {"time": "2099-01-01T00:00:00Z"},
        {"specversion": "0.3"},
        {"id": "e-0"},
    ]
)


@pytest.mark.rule("G4", "R4", "R39")
@given(lived=LIVED, spoilt=st.lists(st.tuples(st.integers(0, 30), JUNK), max_size=5))
@SOME
def test_every_event_is_accounted_for_and_the_log_tells_what_is_stored(
    core: Core, lived: tuple[Life, int, int], spoilt: list[tuple[int, dict[str, Any]]]
) -> None:
    life, before, size = lived
    events = events_of(life, before)
    for number, (place, junk) in enumerate(spoilt):
        now, (topic, whole) = events[place % len(events)]
        odd = whole | {"id": f"odd-{number}", "data": whole["data"] | CONFLICTING} | junk
        events.insert(place % len(events) + 1, (now, (topic, odd)))
    core.begin()
    for count, batch in enumerate(batches(events, size), start=1):
        core.receive(batch)
        read = min(count * size, len(events))
        assert sum(core.counted().values()) == read
    assert core.differences() == []
