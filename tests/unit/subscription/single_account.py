"""One account and the unit of work, without a database: as `batch` and `timers` drive them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from shared.contracts.envelope import Event
from shared.contracts.inbound import INBOUND_TYPE, InboundData
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.topics import TOPIC_OF_TYPE
from shared.kafka.culprits import Culprits
from shared.storage.event_counts import EventOutcome
from subscription_service.domain.model import Account
from subscription_service.domain.policy import Rules
from subscription_service.handlers import Incoming, incoming_of
from subscription_service.unit_of_work import LockedAccount, UnitOfWork
from tests.kit.records import kafka_record
from tests.unit.domain.scenario import ACCOUNT, RULES

_RECORD: Final = kafka_record("any", b"{}")


class SingleAccount:
    """An account that begins unknown. `log`: its lifecycle events, each with its instant; `counted`: events in by
    outcome; `now`: the service clock.
    """

    def __init__(self, now: datetime, rules: Rules = RULES) -> None:
        self.now = now
        self.rules = rules
        account = Account(account_id=ACCOUNT)
        self.locked = LockedAccount(account, account, partition=0, revision=0)
        self.log: list[tuple[datetime, LifecycleData]] = []
        self.counted: Counter[EventOutcome] = Counter()

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.log]

    def receive(self, *events: tuple[datetime, InboundData]) -> None:
        """One batch: each event with its `time`, in order of arrival."""
        self.handle(incoming(time, data) for time, data in events)

    def handle(self, events: Iterable[Incoming]) -> None:
        """One batch of events as they were read."""
        begun = self._begin()
        self._finish(begun, begun.handle(events))

    def catch_up(self, later: timedelta = timedelta(0), *, read_to: datetime | None = None) -> None:
        """Move the clock, and run what is due by then, or by `read_to`."""
        self.now += later
        begun = self._begin()
        self._finish(begun, begun.catch_up([self.locked], read_to=read_to))

    def _begin(self) -> UnitOfWork:
        return unit_of_work(self.now, self.locked, rules=self.rules)

    def _finish(self, begun: UnitOfWork, steps: Iterator[None]) -> None:
        for _ in steps:
            pass
        self.log += [(event.at, event.data) for event in begun.emitted]
        for (_, outcome), count in begun.event_counts.items():
            self.counted[outcome] += count


def unit_of_work(
    now: datetime, *locked: LockedAccount, rules: Rules = RULES, culprits: Culprits | None = None
) -> UnitOfWork:
    """One transaction over these accounts."""
    return UnitOfWork(
        now=now,
        rules=rules,
        locked={each.account.account_id: each for each in locked},
        partitions={"dead-letters": 1},
        culprits=culprits or Culprits(),
    )


def incoming(time: datetime, data: InboundData) -> Incoming:
    """An event as it was read; its id is made from its content, so that it does not depend on the order of arrival."""
    name = INBOUND_TYPE[type(data)]
    event: Event[Any] = Event(
        id=blake2b(repr((time, data)).encode(), digest_size=16).hexdigest(),
        source="test",
        type=name,
        time=time,
        subject=data.account_id,
        data=data,
        traceparent=None,
        fields={},
    )
    return incoming_of(TOPIC_OF_TYPE[name], _RECORD, event)
