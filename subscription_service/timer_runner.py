"""Runs what is due by itself: reminders, deductions, term starts, expiry, release, waits for a purchase that are over.

A timer is decided and stored like an event in: `UnitOfWork.catch_up`, then `storage`. Before anything runs, the inputs
are read to the ends that they have at that moment, so that an order which was placed in time counts as in time (R4).
However long that takes, the moment stays: then what was due at it runs, and what has become due since waits for the
next look. Every copy does this: `SKIP LOCKED` hands each due account to one of them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from shared.contracts.topics import LIFECYCLE
from shared.kafka.culprits import Culprits
from shared.kafka.input_topics import Ends
from shared.runtime.components import ServiceContext
from shared.runtime.errors import SlowStatement, Transient
from shared.runtime.log_lines import LogMessage, say_all
from shared.runtime.retry import retry_transient
from shared.storage.database import Connection, transaction
from subscription_service.domain.context import instant_of
from subscription_service.domain.deduction import may_deduct
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.timers import may_touch_all_servers
from subscription_service.handlers import Incoming
from subscription_service.log_lines import ACCOUNT_FAILED, TIMERS_FAILED
from subscription_service.pauses import with_pauses
from subscription_service.recent_states import RecentStates
from subscription_service.storage import due_accounts, loading
from subscription_service.storage.coupons import Days
from subscription_service.storage.saving import save
from subscription_service.unit_of_work import LockedAccount, UnitOfWork

_ACCOUNTS_PER_TRANSACTION = 500
_POLL_SECONDS = 0.5
_SET_ASIDE_SECONDS = 60


class _InputSnapshot(NamedTuple):
    """The inputs at one moment: the service clock's time (UTC), and the ends that they had then."""

    at: datetime
    ends: Ends


class TimerRunner:
    """`run` goes on until it is cancelled; `run_all_due` ends when nothing is due any more."""

    def __init__(self, rules: Rules, context: ServiceContext, recent: RecentStates | None = None) -> None:
        self._rules = rules
        self._clock = context.clock
        self._engine = context.engine
        self._inputs = context.inputs
        self._partitions = context.partitions
        self._health = context.health
        self._awaited: _InputSnapshot | None = None
        """Up to where the inputs are being read."""
        self._set_aside_until: dict[str, float] = {}
        self._culprits = Culprits()
        self._recent = recent

    def use(self, rules: Rules) -> None:
        """From now on decide by these."""
        self._rules = rules

    async def run(self) -> None:
        """Look twice a second. `Transient` errors are retried and shown as health of `timers`."""
        while True:
            await retry_transient(self.run_all_due, health=self._health, component="timers")
            await asyncio.sleep(_POLL_SECONDS)

    async def run_all_due(self) -> None:
        """Run all that is due at the service clock's time. Raises `Transient`."""
        while due_at := await self._due_at():
            awaited = self._awaited = self._awaited or _InputSnapshot(due_at, await self._inputs.ends())
            await self._inputs.wait_until_applied(awaited.ends)
            if not await self._run_some(awaited.at):
                await asyncio.sleep(_POLL_SECONDS)  # somebody else holds all that is due, and may do so for long
            while await self._run_some(awaited.at):
                pass
            if self._awaited is awaited:
                self._awaited = None

    async def _due_at(self) -> datetime | None:
        """The service clock's time, where something is due."""
        async with transaction(self._engine) as connection:
            now = await self._clock.now(connection)
            return now if await due_accounts.any_due(connection, now=now, but=self._set_aside()) else None

    async def _run_some(self, read_to: datetime) -> bool:
        """Run the first accounts that are due by `read_to` in one transaction; where that fails, each in its own.

        False: none was due.
        """
        due: list[str] = []
        log_messages: Sequence[LogMessage] = ()
        try:
            async with transaction(self._engine) as connection:
                now = await self._clock.now(connection)
                due = await due_accounts.lock_due(
                    connection, now=min(read_to, now), but=self._set_aside(), limit=_ACCOUNTS_PER_TRANSACTION
                )
                if due:
                    log_messages = await self._catch_up(connection, due, now, read_to=read_to)
            say_all(log_messages)
        except Exception as error:
            if isinstance(error, Transient) and not isinstance(error, SlowStatement):
                raise
            TIMERS_FAILED.say(error, accounts=len(due))
            for account_id in due:
                await self._run_alone(account_id, read_to)
        return bool(due)

    async def _run_alone(self, account_id: str, read_to: datetime) -> None:
        """Run one account. When it fails, it is logged and set aside for a minute, and the others go on."""
        try:
            async with transaction(self._engine) as connection:
                now = await self._clock.now(connection)
                log_messages = await self._catch_up(connection, [account_id], now, read_to=read_to)
            say_all(log_messages)
        except Exception as error:
            if isinstance(error, Transient) and not isinstance(error, SlowStatement):
                raise
            ACCOUNT_FAILED.say(error, again_in_seconds=_SET_ASIDE_SECONDS)
            self._set_aside_until[account_id] = asyncio.get_running_loop().time() + _SET_ASIDE_SECONDS

    async def _catch_up(
        self, connection: Connection, account_ids: Sequence[str], now: datetime, *, read_to: datetime
    ) -> Sequence[LogMessage]:
        """What the log is to say of it, once it is committed."""
        locked = await loading.lock_due(connection, account_ids, partitions=self._partitions[LIFECYCLE], by=read_to)
        waiting = {name: _going_on(each) for name, each in locked.items()}
        policy = self._rules.policy
        # A waiting event, once decided, may make new timers due: then everything is loaded for its account.
        needs_all_servers = [
            name for name, each in locked.items() if waiting[name] or may_touch_all_servers(each.account, now, policy)
        ]
        may_announce = [name for name, each in locked.items() if waiting[name] or may_deduct(each.account)]
        await loading.load_touched(
            connection,
            locked,
            chain(*waiting.values()),
            with_all_servers=needs_all_servers,
            with_orders=may_announce if policy.gives_charge_notices else (),
        )
        await loading.load_coupons(connection, locked, _coupon_days(locked, now, policy))
        unit_of_work = UnitOfWork(
            now=now, rules=self._rules, locked=locked, partitions=self._partitions, culprits=self._culprits
        )
        await with_pauses(unit_of_work.catch_up(locked.values(), read_to=read_to))
        await save(connection, unit_of_work, self._recent)
        return unit_of_work.log_messages

    def _set_aside(self) -> list[str]:
        """Accounts that failed less than a minute ago."""
        now = asyncio.get_running_loop().time()
        self._set_aside_until = {account: until for account, until in self._set_aside_until.items() if until > now}
        return list(self._set_aside_until)


def _going_on(locked: LockedAccount) -> Sequence[Incoming]:
    """Its waiting events that may be decided: none where all are parked, of which waits can only end."""
    return [event for event, _ in locked.waiting] if locked.waiting.has_deferred else ()


def _earliest_deduction(locked: LockedAccount, now: datetime, policy: Policy) -> datetime | None:
    """No deduction is tried before this instant (UTC) by what is due or waits here; None: none is tried at all."""
    decided_at = locked.account.decided_at
    instants = [instant_of(event.time, now, decided_at) for event in _going_on(locked)]
    timer = locked.timer(policy)
    if timer is not None and (instants or may_deduct(locked.account)):
        instants.append(timer.at)
    return min(instants, default=None)


def _coupon_days(locked: Mapping[str, LockedAccount], now: datetime, policy: Policy) -> dict[str, Days]:
    """Of accounts on which something may be deducted: from what is due first to the last attempt that is told of."""
    deductions = {name: _earliest_deduction(each, now, policy) for name, each in locked.items()}
    zone, ahead = policy.billing_zone, policy.days_told_ahead
    return {
        name: Days.between(at, now, zone, events=len(_going_on(locked[name])), ahead=ahead)
        for name, at in deductions.items()
        if at is not None
    }
