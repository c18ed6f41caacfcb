"""Trying an event: what it would lead to if it came now. Nothing is stored, no row is locked, no id is spent.

It is decided by the unit of work that decides what really comes, with the rows that `batch` and `timer_runner` would
load, read in a snapshot; what is due of the account happens first (R4).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from shared.contracts.envelope import RECEIPT_HEADER, wire_time
from shared.contracts.state import Overview
from shared.contracts.topics import DEAD_LETTERS, TEST_CLOCK, TOPIC_OF_TYPE
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.culprits import Culprits
from shared.kafka.record import Record
from shared.storage.database import Connection
from subscription_service.domain.overview import overview
from subscription_service.domain.policy import Rules
from subscription_service.domain.timers import may_touch_all_servers
from subscription_service.handlers import Incoming, read, why_too_early
from subscription_service.outbox_entries import lifecycle_entry
from subscription_service.pauses import with_pauses
from subscription_service.receipts import Receipt
from subscription_service.storage import deduplication, loading
from subscription_service.storage.coupons import Days
from subscription_service.unit_of_work import LockedAccount, UnitOfWork

_SOURCE: Final = "/tenure/try"
_RECEIPT: Final = ((RECEIPT_HEADER, b"try"),)
_PARTITIONS: Final = {DEAD_LETTERS: 1}


class Tried(NamedTuple):
    """What would become of an event.

    `events`: the lifecycle events that would follow, also those of what is due before, as on the wire but for
    `sequence`. `state`: the state document then; None where nothing would be known of the account.
    """

    events: Sequence[bytes]
    state: Overview | None
    receipt: Receipt


def event_now(type_: str, data: Mapping[str, Any], *, account_id: str, now: datetime, rules: Rules) -> Incoming:
    """The event of this type about the account, as if it came at `now` (UTC). Raises `Unreadable`."""
    topic = TOPIC_OF_TYPE.get(type_, TEST_CLOCK)
    if topic == TEST_CLOCK:
        raise Unreadable(Reason.UNKNOWN_TYPE, f"type: {type_[:200]!r} is no event that decides something")
    attributes = {"id": str(uuid4()), "type": type_, "time": wire_time(now), "subject": account_id}
    record = _record(topic, {"specversion": "1.0", "source": _SOURCE, **attributes, "data": data})
    incoming = read(record, topic, currency=rules.catalog.currency, zone=rules.policy.billing_zone)
    too_early = why_too_early(incoming, now)
    if too_early is not None:
        raise too_early
    return incoming


async def try_event(connection: Connection, incoming: Incoming, *, now: datetime, rules: Rules) -> Tried:
    """Try it in the connection's snapshot. `now`: the service clock (UTC). Raises `Transient`."""
    incoming.verdict = await deduplication.verdict(connection, incoming)
    account_id = incoming.account_id
    locked = await loading.read(connection, account_id)
    unit_of_work = begin(locked, now=now, rules=rules)
    await _load(connection, unit_of_work, incoming)
    await with_pauses(decide(unit_of_work, incoming))
    unit_of_work.raise_revisions()
    [receipt] = unit_of_work.receipts
    return Tried(
        events=[value for event in unit_of_work.emitted if (value := lifecycle_entry(event, 0, now).value)],
        state=overview(locked.account, revision=locked.revision, as_of=now, rules=rules) if locked.revision else None,
        receipt=receipt,
    )


def begin(locked: LockedAccount, *, now: datetime, rules: Rules) -> UnitOfWork:
    """A unit of work over one account."""
    return UnitOfWork(
        now=now,
        rules=rules,
        locked={locked.account.account_id: locked},
        partitions=_PARTITIONS,
        culprits=Culprits(),
    )


def decide(unit_of_work: UnitOfWork, incoming: Incoming) -> Iterator[None]:
    """What is due first, then the event, then what it has made due. One step per decision: the caller may pause."""
    accounts = [unit_of_work.locked[incoming.account_id]]
    yield from unit_of_work.catch_up(accounts)
    yield from unit_of_work.handle([incoming])
    yield from unit_of_work.catch_up(accounts)


async def _load(connection: Connection, unit_of_work: UnitOfWork, incoming: Incoming) -> None:
    """The rows that the event, what waits and what is due may touch."""
    now, policy, loaded = unit_of_work.now, unit_of_work.rules.policy, unit_of_work.locked
    locked = loaded[incoming.account_id]
    needs_all_servers = locked.waiting or may_touch_all_servers(locked.account, now, policy)
    events = [incoming, *(event for event, _ in locked.waiting)]
    await loading.load_touched(
        connection,
        loaded,
        events,
        with_all_servers=[incoming.account_id] if needs_all_servers else [],
        with_orders=[incoming.account_id] if policy.charge_notice_days else [],
    )
    decided_at = locked.account.decided_at
    if decided_at is not None:
        zone, ahead = policy.billing_zone, policy.days_told_ahead
        days = Days.between(decided_at, now, zone, events=len(events), ahead=ahead)
        await loading.load_coupons(connection, loaded, {incoming.account_id: days})


def _record(topic: str, event: Mapping[str, Any]) -> Record:
    """The record that would carry the event; it asks for a receipt, which says what has become of it."""
    return Record(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=0,
        timestamp_type=0,
        key=None,
        value=json.dumps(event).encode(),  # any integer that a document may hold, as it is
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=_RECEIPT,
    )
