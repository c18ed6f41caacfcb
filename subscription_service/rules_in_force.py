"""Policy and catalog belong to the data: all copies that run decide by the same, and a change of them is deliberate.

The last row of `rule_change` says what the data were made with. Each copy that runs holds an advisory lock as shared;
who brings other rules needs it for itself. So it waits until no copy with the rules from before runs, and of two that
start at once with different files one waits. A change that gives stored data another meaning (currency, billing zone, a
shorter grace) stops the start unless it was accepted; one of prices that were in force stops it always (R50).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from shared.runtime.components import ServiceContext
from shared.runtime.errors import Transient
from shared.runtime.log_lines import SESSION_LOST
from shared.runtime.retry import retry_transient
from shared.runtime.settings import BadSettings
from shared.storage.database import transaction
from shared.storage.session import Session, session_connection
from subscription_service.domain.policy import Rules
from subscription_service.log_lines import RULES_ACCEPTED, RULES_CHANGED
from subscription_service.policy_files.acceptance import altered_prices, effects_on_data, is_accepted, refusal
from subscription_service.policy_files.comparison import Change, changes, document, fingerprint
from subscription_service.storage import rule_changes
from subscription_service.storage.rule_changes import LOCK

COMPONENT: Final = "policy"
"""The name under `troubles` in `/ready`."""
_COMPARE_SECONDS: Final = 5.0
"""How often a copy that decides nothing compares its files with the rules in force."""
_LOOK_SECONDS: Final = 1.0
"""How often a copy that waits for others to end looks for them, in one session."""
_RETURN_SECONDS: Final = 15.0
"""Within so long after the database was away, who served before has its lock again: see `retry_transient`."""
_TRY_SHARED: Final = f"SELECT pg_try_advisory_lock_shared({LOCK})"
_END_SHARED: Final = f"SELECT pg_advisory_unlock_shared({LOCK})"
_TRY_ALONE: Final = f"SELECT pg_try_advisory_lock({LOCK})"
_END_ALONE: Final = f"SELECT pg_advisory_unlock({LOCK})"


class _MustWait(Transient):
    """Copies with other rules run, or may come back."""


class RulesInForce:
    """`prepare` returns once our rules are those of the data; `run` then goes on for as long as they are."""

    def __init__(self, rules: Rules, context: ServiceContext) -> None:
        self._document = document(rules)
        self._fingerprint = fingerprint(self._document)
        self._context = context
        self._agreed = asyncio.Event()
        self._holding: asyncio.Task[None] | None = None
        self._has_waited = False
        self._not_before = 0.0
        """Before this instant of the event loop's clock it takes nothing over."""

    async def prepare(self) -> None:
        """Compare with what the data were made with, and record a change. Raises `BadSettings`."""
        self._holding = asyncio.create_task(self._hold())
        agreed = asyncio.create_task(self._agreed.wait())
        try:
            await asyncio.wait((agreed, self._holding), return_when=asyncio.FIRST_COMPLETED)
        finally:
            agreed.cancel()
        if self._holding.done():
            await self._holding

    async def run(self) -> None:
        """Hold the lock without end. Raises `BadSettings` where another copy has changed the rules."""
        if self._holding is not None:
            await self._holding

    async def watch(self) -> None:
        """For a copy that decides nothing: not ready for as long as its files differ from the rules in force.

        It answers with prices and days of its own files meanwhile, so callers should be kept away from it.
        """
        while True:
            await retry_transient(self._compare, health=self._context.health, component=COMPONENT)
            await asyncio.sleep(_COMPARE_SECONDS)

    async def _compare(self) -> None:
        """Raises `Transient` where our files are not the rules in force."""
        differing = await self._differing()
        if differing is None:
            raise Transient("no copy with the role intake has said what policy and catalog are in force")
        if differing:
            raise Transient(
                f"this copy has another policy or catalog than the data were made with ({_in_words(differing)});"
                " start it with the files of the copies that decide"
            )

    async def _hold(self) -> None:
        while True:
            await retry_transient(self._hold_session, health=self._context.health, component=COMPONENT)

    async def _hold_session(self) -> None:
        """Returns when the session is lost. Raises `Transient` where the lock cannot be had, and `BadSettings`."""
        settings, schema = self._context.settings, self._context.schema
        async with session_connection(settings.database_url.get_secret_value(), schema) as session:
            if self._has_waited:
                self._not_before = asyncio.get_running_loop().time() + _RETURN_SECONDS
            await self._wait_until_agreed(session)
            self._context.health.mark_ready(COMPONENT)
            self._agreed.set()
            try:
                await session.keep()
            except Transient as lost:
                SESSION_LOST.say(of=COMPONENT, reason=str(lost))

    async def _wait_until_agreed(self, session: Session) -> None:
        """Agree; while others hold the lock, wait in this session: whoever leaves it meanwhile has ended, or lost its
        database alone. Should the session end too, those who served come first. Raises `Transient` and `BadSettings`.
        """
        while True:
            try:
                return await self._agree(session)
            except _MustWait as others:
                self._context.health.mark_unready(COMPONENT, str(others))
                self._has_waited = True
                await asyncio.sleep(_LOOK_SECONDS)

    async def _agree(self, session: Session) -> None:
        """Take the lock as shared, with our rules as those in force. Raises `Transient` and `BadSettings`."""
        schema = self._context.schema
        if not await session.fetchval(_TRY_SHARED, schema):
            raise _MustWait("another copy is changing policy or catalog")
        differing = await self._differing()
        if differing is not None and not differing:
            return
        await session.fetchval(_END_SHARED, schema)
        await self._check(differing or ())
        if asyncio.get_running_loop().time() < self._not_before:
            raise _MustWait("the database was away; copies that served before it was may come back")
        if not await session.fetchval(_TRY_ALONE, schema):
            raise _MustWait(f"another copy runs with another policy or catalog ({_in_words(differing or ())})")
        await self._record()
        await session.fetchval(_TRY_SHARED, schema)
        await session.fetchval(_END_ALONE, schema)

    async def _differing(self) -> tuple[Change, ...] | None:
        """What differs from the rules in force; None before the first start."""
        async with transaction(self._context.engine) as connection:
            before = await rule_changes.in_force(connection)
        return None if before is None else changes(before, self._document)

    async def _altered_prices(self) -> str | None:
        async with transaction(self._context.engine) as connection:
            before = await rule_changes.in_force(connection)
            if before is None:
                return None
            return altered_prices(before, self._document, await self._context.clock.now(connection))

    async def _check(self, differing: Sequence[Change]) -> None:
        """Raises `BadSettings` for a change that was not accepted or cannot be, and for one that another copy made
        meanwhile.
        """
        if self._agreed.is_set():
            raise BadSettings(f"Another copy was started with another policy or catalog ({_in_words(differing)}).")
        altered = await self._altered_prices()
        if altered:
            raise BadSettings(altered)
        if any(change.needs_acceptance for change in differing) and not self._accepted:
            async with transaction(self._context.engine) as connection:
                data = await rule_changes.affected(connection)
            raise BadSettings(refusal(differing, self._fingerprint, data))

    async def _record(self) -> None:
        """Nobody else runs: from now on our rules are in force."""
        differing = await self._differing() or ()
        accepted = any(change.needs_acceptance for change in differing)
        async with transaction(self._context.engine) as connection:
            words = "\n".join(map(str, differing))
            await rule_changes.add(connection, self._document, changes=words, accepted=accepted)
            data = await rule_changes.affected(connection) if accepted else None
        if differing:
            RULES_CHANGED.say(changes=_in_words(differing), fingerprint=self._fingerprint)
        for sentence in effects_on_data(differing, data) if data else ():
            RULES_ACCEPTED.say(meaning=sentence)

    @property
    def _accepted(self) -> bool:
        return is_accepted(self._context.settings.accept_policy_change, self._fingerprint)


def _in_words(differing: Sequence[Change]) -> str:
    return "; ".join(map(str, differing))
