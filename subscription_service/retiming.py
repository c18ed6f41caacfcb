"""After a new policy each account gets its next timer anew, before anything is decided by it (R51).

The first copy that starts with it stores the instant of the restart and the policy before; every copy decides by both
from then on: what was due up to that instant by the policy before still runs, once its time has come (R4), and of the
new one what comes later. A copy that dies meanwhile leaves the work to whoever starts next, for the same instant.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from shared.runtime.components import ServiceContext
from shared.runtime.retry import retry_transient
from shared.storage.database import Connection, transaction
from subscription_service.domain.policy import Policy, Rules
from subscription_service.domain.timers import next_timer
from subscription_service.policy_files import earlier
from subscription_service.rules_in_force import COMPONENT
from subscription_service.storage import applied_policy, next_timers, rule_changes
from subscription_service.storage.applied_policy import AppliedPolicy
from subscription_service.storage.next_timers import TimedAccount

_ACCOUNTS_PER_TRANSACTION: Final = 1000


class Retiming:
    """`users`: what is to decide by the rules once it is known which policy went before."""

    def __init__(self, rules: Rules, context: ServiceContext, users: Sequence[Callable[[Rules], None]]) -> None:
        self._rules = rules
        self._fingerprint = earlier.fingerprint(rules.policy)
        self._context = context
        self._users = users
        self._after: str | None = ""
        self._timed = 0

    async def prepare(self) -> None:
        """Time all accounts by the policy, unless that was done already; waits while the database is away."""
        await retry_transient(self._prepare, health=self._context.health, component=COMPONENT)

    async def _prepare(self) -> None:
        """Raises `Transient`; called again, it goes on where it was."""
        applied = await self._begin()
        policy = earlier.after(self._rules.policy, applied.earlier)
        for use in self._users:
            use(replace(self._rules, policy=policy))
        if not applied.is_done:
            await self._time_all(policy)

    async def _time_all(self, policy: Policy) -> None:
        async with transaction(self._context.engine) as connection:
            in_all = await next_timers.count(connection)
        while self._after is not None:
            self._after = await self._time_next(policy, self._after)
            reason = f"{self._timed} of {in_all} accounts have got their next timers by a new policy so far"
            if self._after is not None:
                self._context.health.mark_unready(COMPONENT, reason)
        async with transaction(self._context.engine) as connection:
            await applied_policy.mark_done(connection, self._fingerprint)

    async def _begin(self) -> AppliedPolicy:
        """Our policy is the one that is applied, from now on or from when another copy began with it."""
        async with transaction(self._context.engine) as connection:
            stored = await applied_policy.lock(connection)
            if stored is not None and stored.fingerprint == self._fingerprint:
                return stored
            applied = AppliedPolicy(self._fingerprint, [], is_done=False)
            if stored is not None:
                applied = await self._in_place_of(connection, stored)
            await applied_policy.replace(connection, applied)
            return applied

    async def _in_place_of(self, connection: Connection, stored: AppliedPolicy) -> AppliedPolicy:
        """Ours with the policies that went before it, of which this restart ends the last; unless that has the same
        due, so that all accounts are timed by ours already.
        """
        ours, now = self._rules.policy, (await self._context.clock.now(connection)).replace(microsecond=0)
        if not stored.is_done:
            return AppliedPolicy(self._fingerprint, earlier.never_in_force(now, stored.earlier), is_done=False)
        policy = earlier.applied_before(ours, stored.fingerprint, await rule_changes.latest_first(connection))
        if earlier.fingerprint(policy) == stored.fingerprint and ours.has_same_due(policy):
            return stored._replace(fingerprint=self._fingerprint)
        return AppliedPolicy(self._fingerprint, earlier.ended(policy, now, stored.earlier), is_done=False)

    async def _time_next(self, policy: Policy, after: str) -> str | None:
        """The accounts after an id, up to 1000; gives the last one's id, None where there are no more."""
        async with transaction(self._context.engine) as connection:
            found = await next_timers.read_next(connection, after=after, limit=_ACCOUNTS_PER_TRANSACTION)
            timed = [TimedAccount(account, next_timer(account, policy)) for account, _ in found]
            await next_timers.set_anew(connection, [new for new, old in zip(timed, found, strict=True) if new != old])
        self._timed += len(found)
        return found[-1].account.account_id if len(found) == _ACCOUNTS_PER_TRANSACTION else None
