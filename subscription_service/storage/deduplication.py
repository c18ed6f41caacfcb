"""Ids that were seen, so that nothing counts twice (R39). A look finds what is stored; where two copies store an id at
the same moment its primary key stops the second one, whose transaction is tried again.

Two kinds: the id of an event (with its source), and the business id that it may spend (order, entry, coupon, import),
for which other content is a conflict.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import DateTime, Index, text
from sqlmodel import Field

from shared.runtime.errors import Transient
from shared.storage.bulk import Bulk, Row, delete, insert_new
from shared.storage.database import Connection
from shared.storage.errors import stored_once
from shared.storage.tables import TextKey
from subscription_service.domain.terms import is_reserved
from subscription_service.handlers import BusinessKey, Incoming, Verdict
from subscription_service.storage.metadata import SubscriptionTable


class EventIdRow(SubscriptionTable, table=True):
    """`key`: 16 bytes that stand for (source, id). Kept for `claim_retention_days`."""

    __tablename__ = "event_claim"
    __table_args__ = (Index("event_claim_age", "claimed_at", postgresql_using="brin"),)
    key: bytes = Field(primary_key=True)
    claimed_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})


class BusinessIdRow(SubscriptionTable, table=True):
    """`kind`: order, entry, coupon or import. `fingerprint`: of the content that spent the id. Kept for good."""

    __tablename__ = "id_claim"
    kind: TextKey
    id: TextKey
    fingerprint: bytes


_ADD_EVENT_IDS = insert_new(EventIdRow, ("key",))
_DELETE_EVENT_IDS = text("DELETE FROM event_claim WHERE key = ANY(:keys)")
# By the place of the rows, found through the index by age: the table may hold billions of others.
_BY_INDEX = text("SET LOCAL enable_seqscan = off")
_DELETE_OLD_EVENT_IDS = text(
    "DELETE FROM event_claim WHERE ctid = ANY(ARRAY(SELECT ctid FROM event_claim"
    " WHERE claimed_at < now() - make_interval(days => :days) LIMIT :limit FOR UPDATE SKIP LOCKED))"
)
_ADD_BUSINESS_IDS = insert_new(BusinessIdRow)
_DELETE_BUSINESS_IDS = delete(BusinessIdRow, ("kind", "id", "fingerprint"))
_PLACED_AUTOMATICALLY = Bulk(
    BusinessIdRow,
    "SELECT id FROM {rows} JOIN order_entry ON order_id = id"
    " WHERE NOT EXISTS (SELECT FROM id_claim WHERE kind = 'order' AND id_claim.id = n.id)",
    ("id",),
)
_FINGERPRINTS = Bulk(
    BusinessIdRow, "SELECT kind, id, fingerprint FROM id_claim JOIN {rows} USING ({names})", ("kind", "id")
)


async def record_ids(connection: Connection, events: Sequence[Incoming]) -> None:
    """Give every event its verdict, and store the ids of those that are fresh.

    Raises `Transient` where another copy stores one of them at the same moment, or gives it back.
    """
    for event in events:
        event.verdict = Verdict.FRESH  # what an earlier try found was rolled back with it
    with stored_once("ids of these events"):
        fresh = await _record_event_ids(connection, events)
        await _record_business_ids(connection, await _without_reserved(connection, fresh))


async def recheck(connection: Connection, events: Iterable[Incoming]) -> None:
    """Give events that waited their verdict again: their ids were stored when they came."""
    waited = list(events)
    spent = await _fingerprints(connection, [key for event in waited for key in event.business_keys])
    for event in waited:
        own = all(spent.get(key[:2]) == key.fingerprint for key in event.business_keys)
        event.verdict = Verdict.FRESH if own else Verdict.CONFLICT


async def verdict(connection: Connection, event: Incoming) -> Verdict:
    """What `record_ids` would say of an event whose own id is new; nothing is stored."""
    if not await _without_reserved(connection, [event]):
        return Verdict.CONFLICT
    spent = await _fingerprints(connection, event.business_keys)
    same = {spent[key[:2]] == key.fingerprint for key in event.business_keys if key[:2] in spent}
    if False in same:
        return Verdict.CONFLICT
    return Verdict.DUPLICATE if same else Verdict.FRESH


async def forget(connection: Connection, events: Sequence[Incoming]) -> None:
    """Delete the ids that dead letters have stored, so that they can be replayed."""
    if not events:
        return
    await connection.execute(_DELETE_EVENT_IDS, {"keys": [event.event_key for event in events]})
    await release(connection, [event for event in events if event.verdict is Verdict.FRESH])


async def release(connection: Connection, events: Iterable[Incoming]) -> None:
    """Delete the business ids that these events have stored, not those that other content has spent (R42)."""
    keys = sorted({key for event in events for key in event.business_keys})
    await _DELETE_BUSINESS_IDS.run(connection, [key._asdict() for key in keys])


async def forget_old(connection: Connection, limit: int, *, days: int) -> int:
    """Delete up to `limit` ids of events that came longer ago than that; returns how many there were."""
    await connection.execute(_BY_INDEX)
    return (await connection.execute(_DELETE_OLD_EVENT_IDS, {"days": days, "limit": limit})).rowcount


async def _record_event_ids(connection: Connection, events: Sequence[Incoming]) -> list[Incoming]:
    """The events whose ids are new; the others are duplicates."""
    first: dict[bytes, Incoming] = {}
    for event in events:
        if first.setdefault(event.event_key, event) is not event:
            event.verdict = Verdict.DUPLICATE
    for (key,) in await _ADD_EVENT_IDS.fetch(connection, [{"key": key} for key in sorted(first)]):
        first.pop(key).verdict = Verdict.DUPLICATE
    return list(first.values())


async def _without_reserved(connection: Connection, events: Sequence[Incoming]) -> list[Incoming]:
    """The others are in conflict with an automatic order, which is placed or will be.

    An import may bring automatic orders of its own past (R42), but none that was placed here, which has no fingerprint.
    """
    brought = {order_id for event in events if event.is_import for order_id in _reserved_ids(event)}
    placed = await _PLACED_AUTOMATICALLY.fetch(connection, [{"id": each} for each in sorted(brought)])
    allowed = brought.difference(order_id for (order_id,) in placed)
    free = []
    for event in events:
        if _reserved_ids(event) <= (allowed if event.is_import else set()):
            free.append(event)
        else:
            event.verdict = Verdict.CONFLICT
    return free


def _reserved_ids(event: Incoming) -> set[str]:
    """The ids of orders that only auto-renewal places."""
    return {key.id for key in event.business_keys if key.kind == "order" and is_reserved(key.id)}


async def _record_business_ids(connection: Connection, events: Sequence[Incoming]) -> None:
    """An event with several ids (an import) is in conflict where one of them is."""
    keyed = [(event, key) for event in events for key in event.business_keys]
    first: dict[tuple[str, str], BusinessKey] = {}
    for _, key in keyed:
        first.setdefault(key[:2], key)
    rows = [key._asdict() for key in sorted(first.values())]
    known = {(kind, business_id) for kind, business_id in await _ADD_BUSINESS_IDS.fetch(connection, rows)}
    again = [(event, key) for event, key in keyed if key[:2] in known or first[key[:2]] is not key]
    spent = await _fingerprints(connection, [key for _, key in again])
    if any(key[:2] not in spent for _, key in again):
        raise Transient("another transaction has just given back one of the ids of these events")
    for event, key in again:
        if spent[key[:2]] != key.fingerprint:
            event.verdict = Verdict.CONFLICT
        elif event.verdict is Verdict.FRESH:
            event.verdict = Verdict.DUPLICATE


async def _fingerprints(connection: Connection, keys: Iterable[BusinessKey]) -> dict[tuple[str, str], bytes]:
    """(kind, id) -> fingerprint of the content that spent it."""
    found = await _FINGERPRINTS.fetch(connection, _rows(sorted(set(keys))))
    return {(kind, business_id): fingerprint for kind, business_id, fingerprint in found}


def _rows(keys: Iterable[BusinessKey]) -> list[Row]:
    return [{"kind": key.kind, "id": key.id} for key in keys]
