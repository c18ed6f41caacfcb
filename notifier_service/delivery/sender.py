"""Sending emails: lease those that are due, hand each to the relay outside of any transaction, record the replies.

Invariants: no email is lost, since a lease that outlives its process is taken over by another one; at most
`MAX_LEASED` are leased by a process (G3); a lease is confirmed right before the email is sent, the last step that
cannot be taken back; a relay that cannot be reached costs no attempt (`circuit_breaker`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from notifier_service.content.addresses import UnusableAddress
from notifier_service.content.mail_composer import Mail, MailComposer
from notifier_service.decisions.notification import Failed, NotAttempted, Suppressed
from notifier_service.decisions.plan import NO_CONTACT
from notifier_service.delivery.attempt import Attempt, Attempted
from notifier_service.delivery.circuit_breaker import RelayCircuitBreaker
from notifier_service.delivery.gathering import gathered
from notifier_service.delivery.lease_holder import EndedLease, LeaseHolder, LeaseLost
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.smtp.relay import MailRelay
from notifier_service.delivery.smtp.stages import StepMeaning
from notifier_service.delivery.smtp.unreachable import RelayUnreachable
from notifier_service.log_lines import NOT_COMPOSED, NOT_HANDED_OVER, STOPPED_WITH_LEASES, ids_of
from notifier_service.storage.leases import Lease
from notifier_service.storage.signals import Signal
from shared.runtime.health import Health
from shared.runtime.retry import retry_transient, wait_for_event

MAX_LEASED: Final = 32
COMPONENT: Final = "delivering"
INTERNAL_ERROR: Final = "internal_error"
"""The reason of an email that was not sent by a fault of ours."""
_POLL_SECONDS: Final = 0.5
_GATHER_SECONDS: Final = 0.05
"""How long a result waits for others; one that is the only one does not."""
_DRAIN_POLL_SECONDS: Final = 0.05
_STOP_SECONDS: Final = 10.0

T = TypeVar("T")


class Sender:
    """One per process; `run` it until it is cancelled."""

    def __init__(
        self,
        leases: LeaseHolder,
        *,
        session: ProcessSession,
        mail_composer: MailComposer,
        relay: MailRelay,
        health: Health,
    ) -> None:
        self._leases = leases
        self._session = session
        self._mail_composer = mail_composer
        self._relay = relay
        self._health = health
        self._wake = session.received[Signal.MAIL]
        self._circuit_breaker = RelayCircuitBreaker(relay, health, wake=self._wake, in_use=leases.sends)
        self._attempts: asyncio.Queue[EndedLease] = asyncio.Queue()
        self._unanswered: set[str] = set()
        """Notification ids of the leased emails for which the relay has not yet accepted the recipient."""
        self._stopping = False

    async def run(self) -> None:
        """Send until cancelled; then lease nothing more and wait up to 10 s for the replies to what is leased."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._session.run())
            tasks.create_task(self._circuit_breaker.run())
            tasks.create_task(self._record_results())
            sending = tasks.create_task(self._send_due(tasks))
            try:
                await asyncio.shield(sending)
            finally:
                await self._stop(sending)

    async def drain(self) -> None:
        """Wait until no email of the service is due or leased, however long the relay is away."""
        while await self._until_database_answers(self._leases.pending):
            self._wake.set()
            await asyncio.sleep(_DRAIN_POLL_SECONDS)

    async def _stop(self, sending: asyncio.Task[None]) -> None:
        self._stopping = True
        self._wake.set()
        await asyncio.wait([sending], timeout=_STOP_SECONDS)
        if self._leases.current:
            STOPPED_WITH_LEASES.say(emails=len(self._leases.current))
        await self._relay.close()

    async def _send_due(self, tasks: asyncio.TaskGroup) -> None:
        """Send what is due whenever woken, and every half second; recover abandoned leases meanwhile."""
        recovered_at = float("-inf")
        while not self._stopping or self._leases.current:
            self._wake.clear()
            if self._session.lock_held.is_set() and time.monotonic() - recovered_at > _POLL_SECONDS:
                await self._until_database_answers(self._leases.recover)
                recovered_at = time.monotonic()
            if not await self._send_some(tasks):
                await wait_for_event(self._wake, _POLL_SECONDS)

    async def _send_some(self, tasks: asyncio.TaskGroup) -> bool:
        """Lease and send as many as may be leased; False when there was nothing to send or no capacity."""
        free = MAX_LEASED - len(self._leases.current)
        capacity = self._circuit_breaker.capacity(len(self._unanswered), free)
        if capacity <= 0 or self._stopping or not self._session.lock_held.is_set():
            return False
        acquired = await self._until_database_answers(partial(self._leases.acquire, capacity))
        for lease in acquired:
            self._unanswered.add(lease.notification.notification_id)
            tasks.create_task(self._send(lease))
        return bool(acquired)

    async def _send(self, lease: Lease) -> None:
        composed = self._compose(lease)
        mail = composed if isinstance(composed, Mail) else None
        attempt = await self._hand_over(lease, composed) if isinstance(composed, Mail) else composed
        self._unanswered.discard(lease.notification.notification_id)
        self._attempts.put_nowait(EndedLease(lease, attempt, mail))

    def _compose(self, lease: Lease) -> Mail | Failed | Suppressed:
        """The email, or why there is none."""
        if lease.addressee is None:
            return Suppressed(NO_CONTACT)
        try:
            return self._mail_composer.compose(lease.event, lease.addressee, lease.notification.notification_id)
        except UnusableAddress as unusable:
            return Failed(str(unusable), attempted=False, unaddressable=True)
        except Exception as error:  # noqa: BLE001 - an email that cannot be composed must not stop the others
            NOT_COMPOSED.say(error, **ids_of(lease.notification))
            return Failed(INTERNAL_ERROR, attempted=False)

    async def _hand_over(self, lease: Lease, mail: Mail) -> Attempt:
        """Tell the circuit breaker what came of it."""
        try:
            attempted = await self._relay.send(mail, partial(self._before_data, lease))
        except LeaseLost:
            return NotAttempted()
        except RelayUnreachable as unreachable:
            self._circuit_breaker.record_failure(unreachable)
            return NotAttempted()
        except Exception as error:  # noqa: BLE001 - a fault of ours is no final refusal, and must not stop the others
            NOT_HANDED_OVER.say(error, **ids_of(lease.notification))
            return Attempted(StepMeaning.TRIED, INTERNAL_ERROR)
        if attempted.meaning is StepMeaning.INTERRUPTED:
            self._circuit_breaker.record_interruption(attempted.reason)
        elif attempted.meaning is not StepMeaning.TRIED:
            self._circuit_breaker.record_reply()
        return attempted

    async def _before_data(self, lease: Lease) -> None:
        """The relay has accepted the recipient. Raises `LeaseLost`."""
        await self._leases.confirm(lease)
        self._unanswered.discard(lease.notification.notification_id)
        self._circuit_breaker.record_reply()

    def _enough(self) -> int:
        """So many results are recorded without waiting for more."""
        return min(len(self._leases.current), MAX_LEASED // 2)

    async def _record_results(self) -> None:
        """Record together what has come in while the previous results were being recorded, and what comes soon: then as
        many are leased together anew. The other half of what is leased keeps the connections busy meanwhile.
        """
        while True:
            attempts = await gathered(self._attempts, enough=self._enough, seconds=_GATHER_SECONDS)
            await self._until_database_answers(partial(self._leases.record_results, attempts))
            self._wake.set()

    async def _until_database_answers(self, act: Callable[[], Awaitable[T]]) -> T:
        return await retry_transient(act, health=self._health, component=COMPONENT)
