"""One account on the edge's desk, without a database: `UnitOfWork` takes its events as `apply` and the timers would."""

from collections import Counter
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

from shared.contracts.envelope import Event
from shared.contracts.inbound import INBOUND_EVENTS, InboundData
from shared.contracts.lifecycle import LifecycleData
from shared.contracts.topics import TOPIC_OF_TYPE
from shared.storage.event_counts import Outcome
from subscription_service.domain.model import Account
from subscription_service.domain.policy import Rules
from subscription_service.handlers import Incoming, incoming_of
from subscription_service.unit_of_work import LockedAccount, UnitOfWork
from tests.kit.records import kafka_record
from tests.unit.domain.story import ACCOUNT, RULES

_PLACE: Final = {contract: (TOPIC_OF_TYPE[name], name) for name, contract in INBOUND_EVENTS.items()}
_RECORD: Final = kafka_record("any", b"{}")


class OneAccount:
    """`log` is what was said of the account, each with its instant; `counted` how many events came to which end."""

    def __init__(self, now: datetime, rules: Rules = RULES) -> None:
        self.now = now
        self.rules = rules
        account = Account(account_id=ACCOUNT)
        self.locked = LockedAccount(account, account, partition=0, revision=0)
        self.log: list[tuple[datetime, LifecycleData]] = []
        self.counted: Counter[Outcome] = Counter()

    @property
    def kinds(self) -> list[str]:
        return [type(event).__name__ for _, event in self.log]

    def hear(self, *events: tuple[datetime, InboundData]) -> None:
        """A batch: each event with its `time`, in order of arrival."""
        work = self._work()
        for time, data in events:
            work.handle(incoming(time, data))
        self._note(work)

    def catch_up(self, later: timedelta = timedelta(0)) -> None:
        """Time moves, and what is due by then happens."""
        self.now += later
        work = self._work()
        work.catch_up(self.locked)
        self._note(work)

    def _work(self) -> UnitOfWork:
        return UnitOfWork(now=self.now, rules=self.rules, locked={ACCOUNT: self.locked}, partitions={"dead-letters": 1})

    def _note(self, work: UnitOfWork) -> None:
        self.log += [(event.at, event.data) for event in work.emitted]
        for (_, outcome), count in work.event_counts.items():
            self.counted[outcome] += count


def incoming(time: datetime, data: InboundData) -> Incoming:
    """An event as it was read; its id follows from what it says, so that it does not depend on the arrival."""
    topic, name = _PLACE[type(data)]
    event: Event[Any] = Event(
        id=blake2b(repr((time, data)).encode(), digest_size=16).hexdigest(),
        source="test",
        type=name,
        time=time,
        subject=ACCOUNT,
        data=data,
        traceparent=None,
        fields={},
    )
    return incoming_of(topic, _RECORD, event)
