"""The leases of this process: taking emails that are due, recording results, taking over from processes that ended.

Invariants: an email is suppressed rather than leased where it is no longer true or held back; the relay's reply is
recorded before the lease ends; of a lease that another process has taken over, nothing is sent (`confirm`) and nothing
recorded (G3).
Each method but `confirm` is one transaction and raises `Transient` while the database is away; repeating it is safe.
`sender` only.
"""

import asyncio
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import orjson

from notifier_service.bounces.address import address_hash
from notifier_service.content.mail_composer import Mail
from notifier_service.decisions.bounce import Bounce, BounceKind
from notifier_service.decisions.decide import NotificationDecision, is_out_of_reach, passed_on
from notifier_service.decisions.held_back import DeliveryMode, why_held_back
from notifier_service.decisions.notification import (
    Delivered,
    Failed,
    Interrupted,
    NotAttempted,
    RetryLater,
    Suppressed,
)
from notifier_service.decisions.outdated import why_outdated
from notifier_service.decisions.recipient import Recipient, why_unwanted
from notifier_service.delivery.attempt import Attempt, result_of
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.takeover import Takeover
from notifier_service.log_lines import DUE_AGAIN
from notifier_service.returned_mail import ReturnedMail
from notifier_service.storage import kept_mails, leases, notifications, recipients, suppressions
from notifier_service.storage.kept_mails import KeptMail
from notifier_service.storage.leases import Lease, LeaseResult
from notifier_service.storage.signals import Signal
from notifier_service.unit_of_work import UnitOfWork
from shared.contracts.outcomes import Channel
from shared.runtime.components import ServiceContext
from shared.runtime.log_lines import LogMessage, say_all
from shared.storage.database import Connection, transaction

_CONFIRM_SECONDS: Final = 5.0
"""How long an email waits, ready to be sent, for its lease to be certain."""
_POLL_SECONDS: Final = 0.02


class LeaseLost(Exception):
    """Another process has taken this email over, or may have: it must not be sent."""


class EndedLease(NamedTuple):
    """What came of a lease; `mail`: what was handed to the relay, None where nothing was composed."""

    lease: Lease
    attempt: Attempt
    mail: Mail | None


class LeaseHolder:
    """`current`: notification id -> lease, of the emails that this process is delivering."""

    def __init__(
        self,
        session: ProcessSession,
        context: ServiceContext,
        *,
        returned_mail: ReturnedMail,
        observe_seconds: Callable[[float], None],
    ) -> None:
        """`observe_seconds` takes the seconds from `recordedat` to delivery."""
        self.current: dict[str, Lease] = {}
        self._session = session
        self._engine = context.engine
        self._clock = context.clock
        self._partitions = context.partitions
        self._settings = context.settings
        self._mode: DeliveryMode = context.settings.delivery
        self._keeps_mails = context.settings.keep_mails_days > 0
        self._returned_mail = returned_mail
        self._observe_seconds = observe_seconds
        self._checked_session = 0
        self._takeover = Takeover()

    @property
    def sends(self) -> bool:
        """Whether emails are sent at all, and not held back."""
        return why_held_back(Channel.EMAIL, self._mode) is None

    async def acquire(self, limit: int) -> list[Lease]:
        """Lease at most `limit` emails that are due; those that are no longer true, or held back, end here."""
        session = self._session.number
        async with transaction(self._engine) as connection:
            now = await self._clock.now(connection)
            acquired = await leases.acquire(connection, self._session.owner, now=now, limit=limit)
            suppressed = await self._suppressed(connection, acquired, now)
            log_messages = await self._store(connection, suppressed, now)
        say_all(log_messages)
        ended = {_id(one.lease) for one in suppressed}
        kept = {_id(lease): lease for lease in acquired if _id(lease) not in ended}
        if session != self._session.number:
            return []  # taken under a session that is lost: perhaps taken over already, else ended by `recover`
        self.current.update(kept)
        return list(kept.values())

    async def confirm(self, lease: Lease) -> None:
        """Wait until it is certain that the lease is this process's. Raises `LeaseLost`.

        Nothing is awaited after the look, so what the caller does next happens under the lease, unless the process is
        frozen in that very moment.
        """
        try:
            async with asyncio.timeout(_CONFIRM_SECONDS):
                while not self._is_certain():
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise LeaseLost from None
        if not self._holds(lease):
            raise LeaseLost

    async def record_results(self, ended: Sequence[EndedLease]) -> None:
        """Store what the attempts mean, publish what has ended, and end the leases."""
        current = [one for one in ended if self._holds(one.lease)]
        async with transaction(self._engine) as connection:
            now = await self._clock.now(connection)
            results = [self._result(one, now) for one in current]
            copies = _copies(zip(current, results, strict=True)) if self._keeps_mails else []
            log_messages = await self._store(connection, results, now, copies)
        say_all(log_messages)
        for one in results:
            self.current.pop(_id(one.lease), None)
            if isinstance(one.result, Delivered):
                self._observe_seconds(max((one.at - one.lease.event.recordedat).total_seconds(), 0.0))

    async def recover(self) -> None:
        """Forget leases that another process took over, and make emails due again that nobody delivers.

        Those are the ones of processes that have ended, and those leased by a commit whose answer was lost.
        """
        session, owner = self._session.number, self._session.owner
        async with transaction(self._engine) as connection:
            owned = await leases.owned(connection, owner)
            free = await leases.abandoning_owners(connection, owner)
            ended = self._takeover.ended(free, session=session, now=time.monotonic())
            due_again = await leases.end_all(connection, ended) if ended else 0
            due_again += await leases.end_others(connection, owner, self.current)
        for lost in self.current.keys() - owned:
            del self.current[lost]
        self._checked_session = session
        if due_again:
            DUE_AGAIN.say(emails=due_again)

    async def pending(self) -> bool:
        """Whether any email of the service is due or leased."""
        async with transaction(self._engine) as connection:
            return await leases.pending(connection, await self._clock.now(connection))

    async def _suppressed(
        self, connection: Connection, acquired: Sequence[Lease], now: datetime
    ) -> Sequence[LeaseResult]:
        """Of these leases, those of which the email is not sent, with the reason."""
        returned = await suppressions.reasons(connection, {hashed for one in acquired if (hashed := self._hash(one))})
        return [
            LeaseResult(lease=lease, result=Suppressed(reason), at=lease.event.processing_time(now))
            for lease in acquired
            if (reason := self._why_not(lease, now, returned))
        ]

    def _why_not(self, lease: Lease, now: datetime, returned: Mapping[str, str]) -> str | None:
        """The reason for which a queued email is not sent: no longer true, not wanted any more, held back since the
        last start, or its address is on the suppression list.

        `returned`: hash of an address -> why it is on the list.
        """
        return (
            why_outdated(lease.event, lease.recipient.latest_versions, now)
            or why_unwanted(lease.event.kind, lease.recipient, lease.notification.recipient_id)
            or why_held_back(lease.notification.channel, self._mode)
            or returned.get(self._hash(lease) or "")
        )

    def _hash(self, lease: Lease) -> str | None:
        return address_hash(self._settings, lease.addressee.contact.email) if lease.addressee else None

    def _result(self, ended: EndedLease, now: datetime) -> LeaseResult:
        lease = ended.lease
        at = lease.event.processing_time(now)
        result = result_of(ended.attempt, lease.earlier, now=at, jitter=random.uniform(-1, 1))
        return LeaseResult(lease=lease, result=result, at=at, address_hash=self._hash(lease))

    def _is_certain(self) -> bool:
        return self._session.is_certain and self._checked_session == self._session.number

    def _holds(self, lease: Lease) -> bool:
        return self.current.get(_id(lease)) is lease

    async def _store(
        self, connection: Connection, results: Sequence[LeaseResult], now: datetime, copies: Sequence[KeptMail] = ()
    ) -> Sequence[LogMessage]:
        """Store results and publish those that are final, except of leases that are no longer this process's.

        `copies`: the mails to be kept. Gives what the log is to say of it, once it is committed.
        """
        refused = [one for one in results if isinstance(one.result, Failed) and one.result.bounced]
        replaced = [one for one in results if _passed_on(one, one.lease.recipient)]
        known = await _lock_recipients(connection, [*refused, *replaced])
        attempts = await leases.record(connection, self._session.owner, results)
        await kept_mails.add(connection, [copy for copy in copies if copy.notification_id in attempts])
        unit_of_work = UnitOfWork(now, self._partitions)
        for one in results:
            key = _id(one.lease)
            if key in attempts and not isinstance(one.result, RetryLater | Interrupted | NotAttempted):
                unit_of_work.add_final_result(one.lease.notification, one.result, attempts=attempts[key], at=one.at)
        if await _pass_on(connection, [one for one in replaced if _id(one.lease) in attempts], known, now):
            unit_of_work.signals.add(Signal.MAIL)
        await self._returned_mail.record(connection, _bounces(refused, attempts), known, unit_of_work)
        await unit_of_work.save(connection)
        return unit_of_work.log_messages


async def _lock_recipients(connection: Connection, results: Sequence[LeaseResult]) -> Mapping[str, Recipient]:
    """Of those results after which rows of their accounts are inserted; mostly there are none."""
    accounts = {one.lease.notification.account_id for one in results}
    return await recipients.lock(connection, accounts) if accounts else {}


async def _pass_on(
    connection: Connection, results: Sequence[LeaseResult], known: Mapping[str, Recipient], now: datetime
) -> set[str]:
    """Queue the emails to the next recipients, in place of those whose recipient is out of reach (R52); their ids.

    By the recipients as they are under their lock: nobody who is just being forgotten (R48) gets one.
    """
    decisions = (_passed_on(one, known[one.lease.notification.account_id]) for one in results)
    return await notifications.add(connection, [decision for decision in decisions if decision], now=now)


def _passed_on(one: LeaseResult, recipient: Recipient) -> NotificationDecision | None:
    if not is_out_of_reach(one.result):
        return None
    return passed_on(one.lease.event, recipient, one.lease.notification.recipient_id)


def _id(lease: Lease) -> str:
    return lease.notification.notification_id


def _copies(ended: Iterable[tuple[EndedLease, LeaseResult]]) -> list[KeptMail]:
    """What was handed to the relay, once that is over."""
    return [
        KeptMail(
            notification_id=_id(done.lease),
            account_id=done.lease.notification.account_id,
            kept_at=result.at,
            content=done.mail.content,
            event=orjson.dumps(done.lease.event.envelope),
        )
        for done, result in ended
        if done.mail and isinstance(result.result, Delivered | Failed)
    ]


def _bounces(refused: Sequence[LeaseResult], ours: Collection[str]) -> list[Bounce]:
    """The relay's refusals of addresses, of leases that were this process's."""
    return [
        Bounce(notification_id=_id(one.lease), kind=BounceKind.HARD, detail=one.result.reason, event=one.lease.event)
        for one in refused
        if isinstance(one.result, Failed) and _id(one.lease) in ours
    ]
