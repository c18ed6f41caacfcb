"""Ids that were seen: a key in the database stops the second one, never a look before (R39)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from subscription_service.bulk import Bulk
from subscription_service.incoming import Incoming, Spending, Verdict

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


async def claim(connection: AsyncConnection, events: Sequence[Incoming]) -> None:
    """Give every event its verdict, claiming the ids of those that are fresh."""
    fresh = await _claim_events(connection, events)
    spending = [(event, event.spending) for event in fresh if event.spending]
    if spending:
        await _claim_ids(connection, spending)


async def judge_waiting(connection: AsyncConnection, events: Iterable[Incoming]) -> None:
    """Events that waited claimed their ids when they came; see again which of those were spent by other content."""
    spending = [(event, event.spending) for event in events if event.spending]
    if not spending:
        return
    spent = await _spent(connection, [each for _, each in spending])
    for event, own in spending:
        event.verdict = Verdict.FRESH if spent.get(own[:2]) == own.fingerprint else Verdict.CONFLICT


async def unclaim(connection: AsyncConnection, events: Sequence[Incoming]) -> None:
    """What became a dead letter claims no id, so that it can be replayed."""
    if not events:
        return
    await connection.execute(_UNCLAIM_EVENTS, {"keys": [event.event_key for event in events]})
    ids = [event.spending for event in events if event.spending and event.verdict is Verdict.FRESH]
    await connection.execute(_UNCLAIM_IDS, _kinds_and_ids(ids))


async def _claim_events(connection: AsyncConnection, events: Sequence[Incoming]) -> list[Incoming]:
    first: dict[bytes, Incoming] = {}
    for event in events:
        if first.setdefault(event.event_key, event) is not event:
            event.verdict = Verdict.DUPLICATE
    claimed = {row[0] for row in await connection.execute(_CLAIM_EVENTS, {"keys": sorted(first)})}
    for key in first.keys() - claimed:
        first.pop(key).verdict = Verdict.DUPLICATE
    return list(first.values())


async def _claim_ids(connection: AsyncConnection, spending: Sequence[tuple[Incoming, Spending]]) -> None:
    first: dict[tuple[str, str], Spending] = {}
    for _, own in spending:
        first.setdefault(own[:2], own)
    found = await _CLAIM_IDS.run(connection, sorted(first.values()))
    claimed = {(row[0], row[1]) for row in found}
    again = [(event, own) for event, own in spending if own[:2] not in claimed or first[own[:2]] is not own]
    if again:
        spent = await _spent(connection, [own for _, own in again])
        for event, own in again:
            event.verdict = Verdict.DUPLICATE if spent[own[:2]] == own.fingerprint else Verdict.CONFLICT


async def _spent(connection: AsyncConnection, spending: Iterable[Spending]) -> dict[tuple[str, str], bytes]:
    wanted = sorted(set(spending))
    return {(row[0], row[1]): row[2] for row in await connection.execute(_SPENT, _kinds_and_ids(wanted))}


def _kinds_and_ids(spending: Iterable[Spending]) -> dict[str, list[str]]:
    ordered = list(spending)
    return {"kinds": [own.kind for own in ordered], "ids": [own.id for own in ordered]}
