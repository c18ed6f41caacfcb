"""All IO of one batch of events, in one transaction. Called by `shared.kafka` (a `BatchProcessor`), and by nobody else.

Order: read the clock, record the ids, lock and load the accounts, decide each event, save.
What cannot be read becomes a dead letter and leaves the other events of its batch alone. An advance of the test clock
is kept for the barrier (`shared.testclock`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from shared.contracts.clock import ClockAdvanced
from shared.contracts.topics import LIFECYCLE, TEST_CLOCK
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.culprits import Culprits
from shared.kafka.record import DecodedRecord, Record
from shared.runtime.log_lines import LogMessage
from shared.storage.database import Connection
from shared.storage.event_counts import EventOutcome
from shared.testclock.advances import latest_instant, request_advance
from shared.testclock.clock import Clock
from subscription_service.domain.policy import Rules
from subscription_service.handlers import Incoming, Verdict, in_turn, read, why_too_early
from subscription_service.pauses import with_pauses
from subscription_service.receipts import ReceiptOutcome
from subscription_service.recent_states import RecentStates
from subscription_service.storage import deduplication, loading
from subscription_service.storage.coupons import Days
from subscription_service.storage.saving import save
from subscription_service.unit_of_work import UnitOfWork


class SubscriptionBatchProcessor:
    """Decides batches of records. `partitions`: logical output topic -> number of partitions.

    `logical`: gives the logical name of a record's topic. `recent`: keeps the accounts that were decided.
    """

    def __init__(
        self,
        *,
        rules: Rules,
        clock: Clock,
        partitions: Mapping[str, int],
        logical: Callable[[Record], str],
        recent: RecentStates | None = None,
    ) -> None:
        self._rules = rules
        self._clock = clock
        self._partitions = partitions
        self._logical = logical
        self._recent = recent
        self._culprits = Culprits()

    def use(self, rules: Rules) -> None:
        """From now on decide by these."""
        self._rules = rules

    def decode(self, record: Record) -> Incoming:
        """Decode and validate one record. Raises `Unreadable`."""
        currency, zone = self._rules.catalog.currency, self._rules.policy.billing_zone
        return read(record, self._logical(record), currency=currency, zone=zone)

    async def apply(self, connection: Connection, decoded: Sequence[DecodedRecord]) -> Sequence[LogMessage]:
        """Decide and store the whole batch. Raises where that fails; the caller then rolls the transaction back."""
        unit_of_work = self._begin(await self._clock.now(connection))
        events, advances = self._sort(decoded, unit_of_work)
        await self._keep_advances(connection, advances, unit_of_work)
        first, *later = in_turn(events)
        await self._decide(connection, first, unit_of_work)
        log_messages = unit_of_work.log_messages
        for part in later:
            following = self._begin(unit_of_work.now)
            await self._decide(connection, part, following)
            log_messages += following.log_messages
        return log_messages

    async def dead_letter(self, connection: Connection, record: Record, error: Exception) -> Sequence[LogMessage]:
        """Make a dead letter of a record that fails even alone in its batch (`internal_error`)."""
        unit_of_work = self._begin(await self._clock.now(connection))
        unreadable = Unreadable(Reason.INTERNAL_ERROR, type(error).__name__)
        unit_of_work.dead_letter_record(record, self._logical(record), unreadable, error)
        await save(connection, unit_of_work, self._recent)
        return unit_of_work.log_messages

    def _begin(self, now: datetime) -> UnitOfWork:
        return UnitOfWork(now=now, rules=self._rules, locked={}, partitions=self._partitions, culprits=self._culprits)

    async def _decide(self, connection: Connection, events: Sequence[Incoming], unit_of_work: UnitOfWork) -> None:
        """Record the ids, lock and load, decide, save."""
        if events:
            await deduplication.record_ids(connection, events)
            await self._load(connection, events, unit_of_work)
            await with_pauses(unit_of_work.handle(events))
        await save(connection, unit_of_work, self._recent)

    async def _load(self, connection: Connection, events: Sequence[Incoming], unit_of_work: UnitOfWork) -> None:
        """Lock the accounts of the events, with the rows that these, and waiting events that may go on, touch."""
        unit_of_work.locked = await loading.lock(
            connection,
            {event.account_id for event in events},
            partitions=self._partitions[LIFECYCLE],
            with_waiting={event.account_id for event in events if event.touches_waiting},
        )
        waiting = [event for locked in unit_of_work.locked.values() for event, _ in locked.waiting]
        fresh = [event for event in events if event.verdict is not Verdict.DUPLICATE]
        await loading.load_touched(connection, unit_of_work.locked, [*waiting, *fresh])
        await self._load_coupons(connection, fresh, unit_of_work)

    async def _load_coupons(self, connection: Connection, events: Sequence[Incoming], unit_of_work: UnitOfWork) -> None:
        """For the few events that may use one. Each is decided no earlier than the account's last decision."""
        zone, now = self._rules.policy.billing_zone, unit_of_work.now
        counts = Counter(event.account_id for event in events)
        days: dict[str, Days] = {}
        for event in events:
            account = unit_of_work.locked[event.account_id].account
            if event.may_use_coupon(account) and account.decided_at is not None:
                count = counts[event.account_id]
                days[event.account_id] = Days.between(account.decided_at, now, zone, events=count)
        await loading.load_coupons(connection, unit_of_work.locked, days)

    def _sort(
        self, decoded: Sequence[DecodedRecord], unit_of_work: UnitOfWork
    ) -> tuple[list[Incoming], list[Incoming]]:
        """Events, and advances of the test clock; what could not be read becomes a dead letter."""
        events: list[Incoming] = []
        advances: list[Incoming] = []
        for record, content in decoded:
            topic = self._logical(record)
            unreadable = content if isinstance(content, Unreadable) else why_too_early(content, unit_of_work.now)
            if unreadable:
                unit_of_work.dead_letter_record(record, topic, unreadable)
            else:
                (advances if topic == TEST_CLOCK else events).append(content)
        return events, advances

    async def _keep_advances(
        self, connection: Connection, advances: Sequence[Incoming], unit_of_work: UnitOfWork
    ) -> None:
        """Time never goes back: an advance to an earlier instant is a dead letter."""
        for advance in advances:
            data: ClockAdvanced = advance.event.data
            latest = await latest_instant(connection)
            if data.now < latest:
                detail = f"data.now: earlier than {latest.isoformat()}, at which the clock stands"
                unit_of_work.dead_letter_record(advance.record, TEST_CLOCK, Unreadable(Reason.INVALID_DATA, detail))
            else:
                await request_advance(connection, advance.event.id, data.now)
                unit_of_work.event_counts[TEST_CLOCK, EventOutcome.APPLIED] += 1
                unit_of_work.receipts.add(advance.record, TEST_CLOCK, ReceiptOutcome.APPLIED)
