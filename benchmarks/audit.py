"""Nothing lost, nothing doubled: what came out of a run, held against what went in. Findings are sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from benchmarks.events import Message
from benchmarks.reading import Seen
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, SERVER_INVENTORY, STATE

_TALLY = "SELECT topic, sum(count)::bigint FROM tally GROUP BY topic"
_WAITING = "SELECT topic, count(*) FROM waiting GROUP BY topic"
_ACCOUNTS = "SELECT account_id, version, revision FROM account"


async def of_the_service(connection: asyncpg.Connection, sent: Sequence[Message], seen: Seen) -> list[str]:
    """Every event accounted for (G4), every order answered, sequences and versions without a gap (G2)."""
    accounts = {row[0]: (row[1], row[2]) for row in await connection.fetch(_ACCOUNTS)}
    said = [orjson.loads(record.value) for record in seen.records[LIFECYCLE]]
    return [
        *await _accounted(connection, sent),
        *_gaps(seen),
        *_versions(said, {account: version for account, (version, _) in accounts.items()}),
        *_answered(sent, said),
        *_latest_state(seen, {account: revision for account, (_, revision) in accounts.items()}),
        *(f"{len(seen.records[DEAD_LETTERS])} dead letters" for _ in seen.records[DEAD_LETTERS][:1]),
    ]


async def of_the_bare_loop(connection: asyncpg.Connection, sent: Sequence[Message], seen: Seen) -> list[str]:
    """One lifecycle record for each order, sequences without a gap, every id claimed."""
    orders = Counter(message.account_id for message in sent if message.topic != SERVER_INVENTORY)
    came = Counter(record.key.decode() for record in seen.records[LIFECYCLE])
    claimed = await connection.fetchval("SELECT count(*) FROM event_claim")
    findings = list(_gaps(seen))
    if came != orders:
        findings.append(f"{came.total()} lifecycle records for {orders.total()} orders")
    if claimed != len(sent):
        findings.append(f"{claimed} ids were claimed of {len(sent)}")
    return findings


async def _accounted(connection: asyncpg.Connection, sent: Sequence[Message]) -> list[str]:
    """Events read = applied + duplicates + rejected + dead letters + waiting."""
    accounted = Counter(dict(await connection.fetch(_TALLY)))
    accounted.update(dict(await connection.fetch(_WAITING)))
    read = Counter(message.topic for message in sent)
    return [
        f"{topic}: {accounted[topic]} of {n} events accounted for" for topic, n in read.items() if accounted[topic] != n
    ]


def _gaps(seen: Seen) -> Iterator[str]:
    """`sequence` runs 1, 2, 3 ... in each partition."""
    for topic in (LIFECYCLE, STATE):
        partitions = defaultdict(list)
        for record in seen.records[topic]:
            partitions[record.partition].append(int(dict(record.headers)["sequence"]))
        for number, sequences in sorted(partitions.items()):
            if sequences != list(range(1, len(sequences) + 1)):
                yield f"{topic}-{number}: {len(sequences)} records, their sequences are not 1 to {len(sequences)}"


def _versions(said: Sequence[Mapping[str, Any]], last: Mapping[str, int]) -> Iterator[str]:
    """Contiguous and in order for each account, up to the one that is stored; no event id twice."""
    versions = defaultdict(list)
    for event in said:
        versions[event["subject"]].append(event["data"]["version"])
    for account, found in versions.items():
        if found != list(range(last[account] - len(found) + 1, last[account] + 1)):
            yield f"{account}: versions {found}, the stored one is {last[account]}"
    if len({event["id"] for event in said}) != len(said):
        yield "a lifecycle event is on the topic twice"


def _answered(sent: Sequence[Message], said: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each order, accepted or refused, and each switch has a lifecycle event of which it is the cause."""
    causes = {event["data"]["cause"]["id"] for event in said}
    for message in sent:
        if message.topic != SERVER_INVENTORY and message.id not in causes:
            yield f"{message.id} of {message.account_id} was not answered"


def _latest_state(seen: Seen, revisions: Mapping[str, int]) -> Iterator[str]:
    """The last state document of an account is that of its stored revision."""
    latest = {record.key.decode(): record.value for record in seen.records[STATE]}
    for account, value in latest.items():
        if orjson.loads(value)["revision"] != revisions[account]:
            yield f"{account}: the last state document is not that of revision {revisions[account]}"
