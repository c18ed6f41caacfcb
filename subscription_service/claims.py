"""Ids that were seen: a key in the database stops the second one, never a look before (R39)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from subscription_service.incoming import Incoming, Verdict

_CLAIM_EVENTS = text(
    "INSERT INTO event_claim (key) SELECT * FROM unnest(CAST(:keys AS bytea[])) ON CONFLICT DO NOTHING RETURNING key"
)
_CLAIM_IDS = text(
    "INSERT INTO id_claim (kind, id, fingerprint)"
    " SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS text[]), CAST(:fingerprints AS bytea[]))"
    " ON CONFLICT DO NOTHING RETURNING kind, id"
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


async def claim(connection: AsyncConnection, events: Sequence[Incoming]) -> None:
    """Give every event its verdict, claiming the ids of those that are fresh."""
    fresh = await _claim_events(connection, events)
    spending = [event for event in fresh if event.spent_id]
    if spending:
        await _claim_ids(connection, spending)


async def judge_waiting(connection: AsyncConnection, events: Iterable[Incoming]) -> None:
    """Events that waited claimed their ids when they came; see again which of those were spent by other content."""
    spending = [event for event in events if event.spent_id]
    if not spending:
        return
    spent = await _spent(connection, spending)
    for event in spending:
        same = spent.get(_id(event)) == event.fingerprint
        event.verdict = Verdict.FRESH if same else Verdict.CONFLICT


async def unclaim(connection: AsyncConnection, events: Sequence[Incoming]) -> None:
    """What became a dead letter claims no id, so that it can be replayed."""
    if not events:
        return
    await connection.execute(_UNCLAIM_EVENTS, {"keys": [event.event_key for event in events]})
    ids = [_id(event) for event in events if event.spent_id and event.verdict is Verdict.FRESH]
    await connection.execute(_UNCLAIM_IDS, {"kinds": [kind for kind, _ in ids], "ids": [each for _, each in ids]})


async def _claim_events(connection: AsyncConnection, events: Sequence[Incoming]) -> list[Incoming]:
    first: dict[bytes, Incoming] = {}
    for event in events:
        if first.setdefault(event.event_key, event) is not event:
            event.verdict = Verdict.DUPLICATE
    claimed = {row[0] for row in await connection.execute(_CLAIM_EVENTS, {"keys": sorted(first)})}
    for key in first.keys() - claimed:
        first.pop(key).verdict = Verdict.DUPLICATE
    return list(first.values())


async def _claim_ids(connection: AsyncConnection, spending: Sequence[Incoming]) -> None:
    first: dict[tuple[str, str], Incoming] = {}
    for event in spending:
        first.setdefault(_id(event), event)
    ids = sorted(first)
    arguments = {"kinds": [kind for kind, _ in ids], "ids": [each for _, each in ids]}
    fingerprints = [first[key].fingerprint for key in ids]
    found = await connection.execute(_CLAIM_IDS, {**arguments, "fingerprints": fingerprints})
    claimed = {(row[0], row[1]) for row in found}
    again = [event for event in spending if _id(event) not in claimed or first[_id(event)] is not event]
    if again:
        spent = await _spent(connection, again)
        for event in again:
            same = spent[_id(event)] == event.fingerprint
            event.verdict = Verdict.DUPLICATE if same else Verdict.CONFLICT


async def _spent(connection: AsyncConnection, events: Iterable[Incoming]) -> dict[tuple[str, str], bytes]:
    ids = sorted({_id(event) for event in events})
    arguments = {"kinds": [kind for kind, _ in ids], "ids": [each for _, each in ids]}
    return {(row[0], row[1]): row[2] for row in await connection.execute(_SPENT, arguments)}


def _id(event: Incoming) -> tuple[str, str]:
    if event.spent_id is None:
        raise ValueError("this event spends no id")
    return event.spent_id
