"""What keeps the tables small and the timers true: done now and then, by any copy."""

import asyncio
import logging
from hashlib import blake2b

from sqlalchemy import text

from shared.runtime.errors import Transient
from shared.storage.database import Engine, transaction
from subscription_service.domain.policy import Rules
from subscription_service.domain.timers import next_timer
from subscription_service.storage import store

_EVERY_SECONDS = 600.0
_AT_ONCE = 1000

_OLD_CLAIMS = text("DELETE FROM event_claim WHERE claimed_at < now() - make_interval(days => :days)")
_OLD_STATES = text(
    "DELETE FROM log USING relay_position r WHERE log.topic = 'subscription-state' AND r.topic = log.topic"
    " AND r.partition = log.partition AND log.sequence < r.published - 1000"
)
_POLICY = text("SELECT fingerprint FROM applied_policy")
_ONE_AFTER_ANOTHER = text("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('policy'))")
_FORGET_POLICY = text("DELETE FROM applied_policy")
_REMEMBER_POLICY = text("INSERT INTO applied_policy (fingerprint) VALUES (:fingerprint)")
_LIVE = text("SELECT account_id FROM account WHERE account_id > :after ORDER BY account_id LIMIT :limit")
_RETIME = text(
    "UPDATE account SET next_due_at = n.next_due_at, next_timer = n.next_timer"
    " FROM unnest(CAST(:ids AS text[]), CAST(:instants AS timestamptz[]), CAST(:kinds AS text[]))"
    " AS n (account_id, next_due_at, next_timer) WHERE account.account_id = n.account_id AND account.waiting = 0"
)

logger = logging.getLogger(__name__)


class Housekeeping:
    """Old claims (R39) and published state documents go; a new policy sets every account's next timer anew."""

    def __init__(self, *, rules: Rules, engine: Engine) -> None:
        self._rules = rules
        self._engine = engine

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self._retime()
                await self._sweep()
            except Transient as away:
                logger.info("housekeeping waits: %s", away)
            await asyncio.sleep(_EVERY_SECONDS)

    async def _sweep(self) -> None:
        async with transaction(self._engine) as connection:
            await connection.execute(_OLD_CLAIMS, {"days": self._rules.policy.claim_retention_days})
            await connection.execute(_OLD_STATES)

    async def _retime(self) -> None:
        fingerprint = blake2b(repr(self._rules.policy).encode(), digest_size=16).hexdigest()
        async with transaction(self._engine) as connection:
            applied = (await connection.execute(_POLICY)).scalar_one_or_none()
        if applied == fingerprint:
            return
        after: str | None = ""
        while after is not None:
            after = await self._retime_some(after)
        async with transaction(self._engine) as connection:
            await connection.execute(_ONE_AFTER_ANOTHER)
            await connection.execute(_FORGET_POLICY)
            await connection.execute(_REMEMBER_POLICY, {"fingerprint": fingerprint})

    async def _retime_some(self, after: str) -> str | None:
        """The next chunk of accounts in order; None when there are no more."""
        async with transaction(self._engine) as connection:
            found = [row[0] for row in await connection.execute(_LIVE, {"after": after, "limit": _AT_ONCE})]
            locked = await store.lock(connection, found, partitions=1)
            timers = [next_timer(locked[each].account, self._rules.policy) for each in found]
            instants = [timer.at if timer else None for timer in timers]
            kinds = [timer.kind if timer else None for timer in timers]
            await connection.execute(_RETIME, {"ids": found, "instants": instants, "kinds": kinds})
        return found[-1] if len(found) == _AT_ONCE else None
