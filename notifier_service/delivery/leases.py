"""The leases of this process: taking emails that are due, recording results, taking over from processes that ended.

Invariants: an email is suppressed rather than leased where it is no longer true; the relay's reply is recorded before
the lease ends; of a lease that another process has taken over, nothing is recorded (G3). Each method is one transaction
and raises `Transient` while the database is away; repeating it is safe. `sender` only.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from notifier_service.decisions.notification import Deferred, Delivered, NotAttempted, Suppressed
from notifier_service.decisions.suppression import untrue
from notifier_service.delivery.attempt import Attempt, result_of
from notifier_service.storage import leases
from notifier_service.storage.leases import Lease, LeaseResult
from notifier_service.unit_of_work import UnitOfWork
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock

_CHECKS_UNTIL_ABANDONED: Final = 3
"""An owner whose lock is free at so many checks has ended; at fewer, it may be opening a new session."""

logger = logging.getLogger(__name__)


class Leases:
    """`held`: notification id -> lease, of the emails that this process is delivering."""

    def __init__(
        self,
        owner: int,
        *,
        engine: Engine,
        clock: Clock,
        partitions: Mapping[str, int],
        observe_seconds: Callable[[float], None],
    ) -> None:
        """`owner`: see `process_session`. `observe_seconds` takes the seconds from `recordedat` to delivery."""
        self.held: dict[str, Lease] = {}
        self._owner = owner
        self._engine = engine
        self._clock = clock
        self._partitions = partitions
        self._observe_seconds = observe_seconds
        self._lock_was_free: Counter[int] = Counter()

    async def acquire(self, limit: int) -> list[Lease]:
        """Lease at most `limit` emails that are due; those that are no longer true end here as suppressed."""
        async with transaction(self._engine) as connection:
            now = await self._clock.now(connection)
            acquired = await leases.acquire(connection, self._owner, now=now, limit=limit)
            suppressed = [
                LeaseResult(lease=lease, result=Suppressed(reason), at=lease.event.processing_time(now))
                for lease in acquired
                if (reason := untrue(lease.event, lease.recipient.latest_versions, now))
            ]
            await self._store(connection, suppressed, now)
        ended = {_id(one.lease) for one in suppressed}
        kept = {_id(lease): lease for lease in acquired if _id(lease) not in ended}
        self.held.update(kept)
        return list(kept.values())

    async def record_results(self, attempts: Sequence[tuple[Lease, Attempt]]) -> None:
        """Store what the attempts mean, publish what has ended, and end the leases."""
        async with transaction(self._engine) as connection:
            now = await self._clock.now(connection)
            results = [_result(lease, attempt, now) for lease, attempt in attempts]
            await self._store(connection, results, now)
        for one in results:
            self.held.pop(_id(one.lease), None)
            if isinstance(one.result, Delivered):
                self._observe_seconds(max((one.at - one.lease.event.recordedat).total_seconds(), 0.0))

    async def recover(self) -> None:
        """Make emails due again whose process has ended, and those leased to this process without its knowledge."""
        async with transaction(self._engine) as connection:
            free = await leases.abandoning_owners(connection, self._owner)
            self._lock_was_free = Counter({owner: self._lock_was_free[owner] + 1 for owner in free})
            ended = [owner for owner, times in self._lock_was_free.items() if times >= _CHECKS_UNTIL_ABANDONED]
            released = await leases.release_all(connection, ended) if ended else 0
            released += await leases.release_others(connection, self._owner, self.held)
        if released:
            logger.warning("%d emails that an ended process had leased are due again", released)

    async def pending(self) -> bool:
        """Whether any email of the service is due or leased."""
        async with transaction(self._engine) as connection:
            return await leases.pending(connection, await self._clock.now(connection))

    async def _store(self, connection: Connection, results: Sequence[LeaseResult], now: datetime) -> None:
        """Store results and publish those that are final, except of leases that are no longer this process's."""
        attempts = await leases.record(connection, self._owner, results)
        unit_of_work = UnitOfWork(now, self._partitions)
        for one in results:
            key = _id(one.lease)
            if key in attempts and not isinstance(one.result, Deferred | NotAttempted):
                unit_of_work.add_final_result(one.lease.notification, one.result, attempts=attempts[key], at=one.at)
        await unit_of_work.save(connection)


def _id(lease: Lease) -> str:
    return lease.notification.notification_id


def _result(lease: Lease, attempt: Attempt, now: datetime) -> LeaseResult:
    at = lease.event.processing_time(now)
    result = result_of(
        attempt,
        attempts=lease.attempts + 1,
        first_attempt_at=lease.first_attempt_at or at,
        now=at,
        jitter=random.uniform(-1, 1),
    )
    return LeaseResult(lease=lease, result=result, at=at)
