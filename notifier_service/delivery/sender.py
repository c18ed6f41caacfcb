"""Sending emails: claim, send outside of any transaction, record.

Invariants: none is lost, since a claim outlives its process only as something that others take up; what the relay
answered is recorded before the claim ends; at most `AT_ONCE` are under way in a process (G3). A relay that is away
costs no attempt and holds everything back (`circuit_breaker`).
"""

import asyncio
import logging
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from notifier_service import outbox_entries
from notifier_service.content.mail_composer import MailComposer
from notifier_service.content.render import UnusableAddress
from notifier_service.decisions.decide import contact_for, untrue_now
from notifier_service.decisions.notice import Delivered, End, Failed, Later, Result, Suppressed, Untried
from notifier_service.decisions.plan import NO_CONTACT
from notifier_service.delivery import backoff, leases
from notifier_service.delivery.backoff import GiveUp, Reply, RetryAt
from notifier_service.delivery.circuit_breaker import RelayCircuitBreaker
from notifier_service.delivery.leases import Claim, SendResult
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.smtp import MailRelay, Unreachable
from notifier_service.storage import store
from notifier_service.storage.signals import Signal
from shared.contracts.topics import OUTCOMES
from shared.outbox import log
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient, wait_for_event
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock

AT_ONCE: Final = 32
COMPONENT: Final = "delivering"
_LOOK_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 10.0
_GONE_LOOKS: Final = 3
"""A process whose lock is free at so many looks is dead, not one that lost its session for a moment."""
_POSITIVE: Final = range(200, 300)

logger = logging.getLogger(__name__)

_Answer = Reply | Failed | Suppressed | Untried


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDependencies:
    """What delivering needs.

    `partitions`: logical topic -> number of partitions; `took`: is told seconds from event to delivery.
    """

    engine: Engine
    clock: Clock
    process_session: ProcessSession
    mail_composer: MailComposer
    relay: MailRelay
    health: Health
    partitions: Mapping[str, int]
    took: Callable[[float], None]


class Deliverer:
    """One a process, with that process's presence; `run` it until it is cancelled."""

    def __init__(self, means: DeliveryDependencies) -> None:
        self._delivery_dependencies = means
        self._owner = means.process_session.owner
        self._wake = means.process_session.heard[Signal.MAIL]
        self._reach = RelayCircuitBreaker(means.relay, means.health, wake=self._wake)
        self._under_way: dict[str, Claim] = {}
        self._answers: asyncio.Queue[tuple[Claim, _Answer]] = asyncio.Queue()
        self._gone: Counter[int] = Counter()
        self._stopping = False

    async def run(self) -> None:
        """Deliver until cancelled; then claim nothing more, and let what is under way come to its end, for a while."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._delivery_dependencies.process_session.run())
            tasks.create_task(self._reach.keep())
            tasks.create_task(self._record_answers())
            taking = tasks.create_task(self._take_up(tasks))
            try:
                await asyncio.shield(taking)
            finally:
                await self._finish(taking)

    async def settle_deliveries(self) -> None:
        """Wait until no copy has an email that is due or under way; as long as the relay is away, if it must be."""
        while await retry_transient(self._unsettled, health=self._delivery_dependencies.health, component=COMPONENT):
            self._wake.set()
            await asyncio.sleep(_SETTLE_SECONDS)

    async def _finish(self, taking: asyncio.Task[None]) -> None:
        self._stopping = True
        self._wake.set()
        await asyncio.wait([taking], timeout=_STOP_SECONDS)
        if self._under_way:
            logger.warning("left %d emails behind; others will take them up", len(self._under_way))
        await self._delivery_dependencies.relay.close()

    async def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        looked = float("-inf")
        while not self._stopping or self._under_way:
            self._wake.clear()
            if self._delivery_dependencies.process_session.held.is_set() and time.monotonic() - looked > _LOOK_SECONDS:
                await retry_transient(
                    self._find_orphans, health=self._delivery_dependencies.health, component=COMPONENT
                )
                looked = time.monotonic()
            if not await self._take(tasks):
                await wait_for_event(self._wake, _LOOK_SECONDS)

    async def _take(self, tasks: asyncio.TaskGroup) -> bool:
        """Take up as many as there is room for; whether there may be more."""
        room = self._reach.room(len(self._under_way), AT_ONCE)
        if not room or self._stopping or not self._delivery_dependencies.process_session.held.is_set():
            return False
        taken = await retry_transient(
            lambda: self._claim(room), health=self._delivery_dependencies.health, component=COMPONENT
        )
        for claim in taken:
            tasks.create_task(self._deliver(claim))
        return bool(taken)

    async def _claim(self, limit: int) -> list[Claim]:
        """Claim what is due; what is no longer true ends here, in the same transaction."""
        async with transaction(self._delivery_dependencies.engine) as connection:
            now = await self._delivery_dependencies.clock.now(connection)
            taken = await leases.take(connection, self._owner, now=now, limit=limit)
            silent = [
                SendResult(claim=claim, result=Suppressed(reason), at=claim.event.told_at(now))
                for claim in taken
                if (reason := untrue_now(claim.event, claim.recipient.latest_versions, now))
            ]
            await self._settle(connection, silent)
        ended = {record.claim.notice.notification_id for record in silent}
        left = [claim for claim in taken if claim.notice.notification_id not in ended]
        self._under_way.update({claim.notice.notification_id: claim for claim in left})
        return left

    async def _deliver(self, claim: Claim) -> None:
        self._answers.put_nowait((claim, await self._ask(claim)))

    async def _ask(self, claim: Claim) -> _Answer:
        """Make the mail and hand it to the relay."""
        notification_id = claim.notice.notification_id
        contact = contact_for(claim.event, claim.recipient.contact)
        if contact is None:
            return Suppressed(NO_CONTACT)
        try:
            mail = self._delivery_dependencies.mail_composer.compose(claim.event, contact, notification_id)
            reply = await self._delivery_dependencies.relay.send(mail)
        except UnusableAddress as unusable:
            return Failed(str(unusable), tried=False)
        except Unreachable as away:
            self._reach.lost(str(away))
            return Untried()
        except Exception as error:  # noqa: BLE001 - one mail that breaks us must not hold up the others
            logger.error("%s cannot be made: %s", notification_id, _place(error))
            return Failed("internal_error", tried=False)
        self._reach.answered()
        return reply

    async def _record_answers(self) -> None:
        """Whatever has come in while the last ones were recorded is recorded together."""
        while True:
            answers = [await self._answers.get()]
            while not self._answers.empty():
                answers.append(self._answers.get_nowait())
            await retry_transient(
                partial(self._record, answers), health=self._delivery_dependencies.health, component=COMPONENT
            )
            for claim, _ in answers:
                self._under_way.pop(claim.notice.notification_id, None)
            self._wake.set()

    async def _record(self, answers: Sequence[tuple[Claim, _Answer]]) -> None:
        async with transaction(self._delivery_dependencies.engine) as connection:
            now = await self._delivery_dependencies.clock.now(connection)
            await self._settle(connection, [_judged(claim, answer, now) for claim, answer in answers])

    async def _settle(self, connection: Connection, records: Sequence[SendResult]) -> None:
        """Store results and tell those that are ends; a claim that is no longer ours tells nothing."""
        if not records:
            return
        ours = await leases.record(connection, self._owner, records)
        ends = [
            (one, one.result)
            for one in records
            if one.claim.notice.notification_id in ours and isinstance(one.result, End)
        ]
        await store.count(connection, [(one.claim.notice.channel, outbox_entries.status_of(end)) for one, end in ends])
        entries = [
            outbox_entries.ended(
                one.claim.notice,
                end,
                attempts=ours[one.claim.notice.notification_id],
                now=one.at,
                partitions=self._delivery_dependencies.partitions[OUTCOMES],
            )
            for one, end in ends
        ]
        await log.append(connection, entries)
        self._time(records)

    def _time(self, records: Sequence[SendResult]) -> None:
        for one in records:
            if isinstance(one.result, Delivered):
                self._delivery_dependencies.took(max((one.at - one.claim.event.recordedat).total_seconds(), 0.0))

    async def _find_orphans(self) -> None:
        """Give back the claims of dead processes, and our own that a broken commit left without a task."""
        async with transaction(self._delivery_dependencies.engine) as connection:
            gone = await leases.owners_gone(connection, self._owner)
            self._gone = Counter({owner: self._gone[owner] + 1 for owner in gone})
            dead = [owner for owner, looks in self._gone.items() if looks >= _GONE_LOOKS]
            found = await leases.give_back(connection, dead) if dead else 0
            found += await leases.give_back_strays(connection, self._owner, list(self._under_way))
        if found:
            logger.warning("took up %d emails that were left behind", found)

    async def _unsettled(self) -> bool:
        async with transaction(self._delivery_dependencies.engine) as connection:
            return await leases.unsettled(connection, await self._delivery_dependencies.clock.now(connection))


def _place(error: Exception) -> str:
    """What was raised, and where; its message might hold an address."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {where.filename}:{where.lineno}"


def _judged(claim: Claim, answer: _Answer, now: datetime) -> SendResult:
    at = claim.event.told_at(now)
    return SendResult(claim=claim, result=judge(claim, answer, at), at=at)


def judge(claim: Claim, answer: _Answer, now: datetime) -> Result:
    """What the relay's answer means for this email; `now` is the service clock as its event sees it."""
    if not isinstance(answer, Reply):
        return answer
    if answer.code in _POSITIVE:
        return Delivered(answer.reason)
    begun = claim.first_attempt_at or now
    jitter = random.uniform(-1, 1)
    match backoff.after(answer, attempts=claim.attempts + 1, first_attempt_at=begun, now=now, jitter=jitter):
        case RetryAt(at=at):
            return Later(at, answer.reason)
        case GiveUp(reason=reason):
            return Failed(reason, tried=True)
