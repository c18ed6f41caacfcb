"""Ids that were seen: a key in the database stops the second one, never a look before (R39)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text

from shared.storage.database import Connection
from subscription_service.handlers import BusinessKey, Incoming, Verdict
from subscription_service.storage.bulk import Bulk

_CLAIM_EVENTS = text(
    "INSERT INTO event_claim (key) SELECT * FROM unnest(CAST(:keys AS bytea[])) ON CONFLICT DO NOTHING RETURNING key"
)
_CLAIM_IDS = Bulk(
    "INSERT INTO id_claim ({columns}) SELECT * FROM {rows} ON CONFLICT DO NOTHING RETURNING kind, id",
    kind="text",
    id="text",
    fingerprint="bytea",
)
_SPENT = text(
    "SELECT kind, id, fingerprint FROM id_claim JOIN unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]))"
    " AS asked (kind, id) USING (kind, id)"
)
_UNCLAIM_EVENTS = text("DELETE FROM event_claim WHERE key = ANY(CAST(:keys AS bytea[]))")
_UNCLAIM_IDS = text(
    "DELETE FROM id_claim USING unnest(CAST(:kinds AS text[]), CAST(:ids AS text[])) AS gone (kind, id)"
    " WHERE id_claim.kind = gone.kind AND id_claim.id = gone.id"
)


async def claim(connection: Connection, events: Sequence[Incoming]) -> None:
    """Give every event its verdict, claiming the ids of those that are fresh."""
    fresh = await _claim_events(connection, events)
    business_key = [(event, event.business_key) for event in fresh if event.business_key]
    if business_key:
        await _claim_ids(connection, business_key)


async def judge_waiting(connection: Connection, events: Iterable[Incoming]) -> None:
    """Events that waited claimed their ids when they came; see again which of those were spent by other content."""
    business_key = [(event, event.business_key) for event in events if event.business_key]
    if not business_key:
        return
    spent = await _spent(connection, [each for _, each in business_key])
    for event, own in business_key:
        event.verdict = Verdict.FRESH if spent.get(own[:2]) == own.fingerprint else Verdict.CONFLICT


async def unclaim(connection: Connection, events: Sequence[Incoming]) -> None:
    """What became a dead letter claims no id, so that it can be replayed."""
    if not events:
        return
    await connection.execute(_UNCLAIM_EVENTS, {"keys": [event.event_key for event in events]})
    ids = [event.business_key for event in events if event.business_key and event.verdict is Verdict.FRESH]
    await connection.execute(_UNCLAIM_IDS, _kinds_and_ids(ids))


async def _claim_events(connection: Connection, events: Sequence[Incoming]) -> list[Incoming]:
    first: dict[bytes, Incoming] = {}
    for event in events:
        if first.setdefault(event.event_key, event) is not event:
            event.verdict = Verdict.DUPLICATE
    claimed = {row[0] for row in await connection.execute(_CLAIM_EVENTS, {"keys": sorted(first)})}
    for key in first.keys() - claimed:
        first.pop(key).verdict = Verdict.DUPLICATE
    return list(first.values())


async def _claim_ids(connection: Connection, business_key: Sequence[tuple[Incoming, BusinessKey]]) -> None:
    first: dict[tuple[str, str], BusinessKey] = {}
    for _, own in business_key:
        first.setdefault(own[:2], own)
    found = await _CLAIM_IDS.run(connection, sorted(first.values()))
    claimed = {(row[0], row[1]) for row in found}
    again = [(event, own) for event, own in business_key if own[:2] not in claimed or first[own[:2]] is not own]
    if again:
        spent = await _spent(connection, [own for _, own in again])
        for event, own in again:
            event.verdict = Verdict.DUPLICATE if spent[own[:2]] == own.fingerprint else Verdict.CONFLICT


async def _spent(connection: Connection, business_key: Iterable[BusinessKey]) -> dict[tuple[str, str], bytes]:
    wanted = sorted(set(business_key))
    return {(row[0], row[1]): row[2] for row in await connection.execute(_SPENT, _kinds_and_ids(wanted))}


def _kinds_and_ids(business_key: Iterable[BusinessKey]) -> dict[str, list[str]]:
    ordered = list(business_key)
    return {"kinds": [own.kind for own in ordered], "ids": [own.id for own in ordered]}
