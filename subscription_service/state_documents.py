"""State documents, made when the relay publishes them: from memory where this copy just decided, else from the rows.

Called by `shared.outbox` only, which says of which accounts and of which revision at least.
"""

from collections.abc import Iterator, Mapping

from shared.contracts.envelope import to_json
from shared.outbox.documents import Document
from shared.storage.database import Engine, autocommit
from subscription_service.domain.overview import overview_with
from subscription_service.domain.policy import Rules
from subscription_service.domain.timers import next_action, next_timer
from subscription_service.log_lines import STATE_FAILED
from subscription_service.pauses import with_pauses
from subscription_service.recent_states import AccountState, RecentStates
from subscription_service.storage import accounts


class StateDocuments:
    """The `Documents` of the topic `subscription-state`; keys are account ids."""

    def __init__(self, *, rules: Rules, engine: Engine, recent: RecentStates) -> None:
        self._rules = rules
        self._engine = engine
        self._recent = recent

    def use(self, rules: Rules) -> None:
        """From now on say what will happen by these."""
        self._rules = rules

    async def latest(self, changed: Mapping[str, int]) -> Mapping[str, Document]:
        """Account id -> its state document, of at least the given revision; an account without a row is left out.

        Raises `Transient`.
        """
        kept = {each: self._recent.take(each, revision=revision) for each, revision in changed.items()}
        states = {account_id: state for account_id, state in kept.items() if state is not None}
        states |= await self._stored([account_id for account_id, state in kept.items() if state is None])
        return dict(each for each in await with_pauses(self._documents(states)) if each is not None)

    def forget(self) -> None:
        """Read from the rows what was decided before now."""
        self._recent.clear()

    async def _stored(self, account_ids: list[str]) -> dict[str, AccountState]:
        if not account_ids:
            return {}
        async with autocommit(self._engine) as connection:
            found = await accounts.with_state(connection, account_ids)
        policy = self._rules.policy
        return {
            account.account_id: AccountState(
                account, next_action(account, next_timer(account, policy), policy), revision, as_of
            )
            for account, revision, as_of in found
        }

    def _documents(self, states: Mapping[str, AccountState]) -> Iterator[tuple[str, Document] | None]:
        """None where a fault of ours stands in the way: the documents of the others are published."""
        for account_id, (account, timer, revision, as_of) in states.items():
            try:
                document = overview_with(timer, account, revision=revision, as_of=as_of, rules=self._rules)
                yield account_id, Document(revision, to_json(document))
            except Exception as error:  # noqa: BLE001 - as in a decision
                STATE_FAILED.say(error, revision=revision)
                yield None
