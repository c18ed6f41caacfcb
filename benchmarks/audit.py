"""Compares what came out of a run with what went in: nothing lost, nothing doubled. Findings are sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
import orjson

from benchmarks.output import Output
from benchmarks.workload import Message
from shared.contracts.topics import DEAD_LETTERS, LIFECYCLE, SERVER_INVENTORY, STATE

_COUNTS = "SELECT topic, sum(count)::bigint FROM tally GROUP BY topic"
_WAITING = "SELECT topic, count(*) FROM waiting GROUP BY topic"
_ACCOUNTS = "SELECT account_id, version, revision FROM account"


async def of_the_service(connection: asyncpg.Connection, sent: Sequence[Message], output: Output) -> list[str]:
    """Every event accounted for (G4), every order answered, sequences and versions without a gap (G2)."""
    accounts = {row[0]: (row[1], row[2]) for row in await connection.fetch(_ACCOUNTS)}
    events = [orjson.loads(record.value) for record in output.records[LIFECYCLE]]
    return [
        *await _accounted_for(connection, sent),
        *_gaps(output),
        *_versions(events, {account: version for account, (version, _) in accounts.items()}),
        *_answered(sent, events),
        *_latest_state(output, {account: revision for account, (_, revision) in accounts.items()}),
        *(f"{len(output.records[DEAD_LETTERS])} dead letters" for _ in output.records[DEAD_LETTERS][:1]),
    ]


async def of_the_bare_loop(connection: asyncpg.Connection, sent: Sequence[Message], output: Output) -> list[str]:
    """One lifecycle record per order, sequences without a gap, every id recorded once."""
    orders = Counter(message.account_id for message in sent if message.topic != SERVER_INVENTORY)
    received = Counter(record.key.decode() for record in output.records[LIFECYCLE])
    recorded = await connection.fetchval("SELECT count(*) FROM event_claim")
    findings = list(_gaps(output))
    if received != orders:
        findings.append(f"{received.total()} lifecycle records for {orders.total()} orders")
    if recorded != len(sent):
        findings.append(f"{recorded} ids were recorded of {len(sent)}")
    return findings


async def _accounted_for(connection: asyncpg.Connection, sent: Sequence[Message]) -> list[str]:
    """Events read = applied + duplicates + rejected + dead letters + waiting."""
    accounted = Counter(dict(await connection.fetch(_COUNTS)))
    accounted.update(dict(await connection.fetch(_WAITING)))
    read = Counter(message.topic for message in sent)
    return [
        f"{topic}: {accounted[topic]} of {n} events accounted for" for topic, n in read.items() if accounted[topic] != n
    ]


def _gaps(output: Output) -> Iterator[str]:
    """`sequence` runs 1, 2, 3 ... in each partition of the lifecycle; that of state documents rises."""
    for number, sequences in _sequences(output, LIFECYCLE):
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"{LIFECYCLE}-{number}: {len(sequences)} records, their sequences are not 1 to {len(sequences)}"
    for number, sequences in _sequences(output, STATE):
        if sequences != sorted(set(sequences)):
            yield f"{STATE}-{number}: the sequences of its records do not rise"


def _sequences(output: Output, topic: str) -> list[tuple[int, list[int]]]:
    """Partition -> `sequence` of each record, in order."""
    partitions = defaultdict(list)
    for record in output.records[topic]:
        partitions[record.partition].append(int(dict(record.headers)["sequence"]))
    return sorted(partitions.items())


def _versions(events: Sequence[Mapping[str, Any]], last: Mapping[str, int]) -> Iterator[str]:
    """Versions of each account are contiguous and in order, up to the stored one; no event id occurs twice."""
    versions = defaultdict(list)
    for event in events:
        versions[event["subject"]].append(event["data"]["version"])
    for account, found in versions.items():
        if found != list(range(last[account] - len(found) + 1, last[account] + 1)):
            yield f"{account}: versions {found}, the stored one is {last[account]}"
    if len({event["id"] for event in events}) != len(events):
        yield "a lifecycle event is on the topic twice"


def _answered(sent: Sequence[Message], events: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each order, accepted or rejected, and each switch is the cause of a lifecycle event."""
    causes = {event["data"]["cause"]["id"] for event in events}
    for message in sent:
        if message.topic != SERVER_INVENTORY and message.id not in causes:
            yield f"{message.id} of {message.account_id} was not answered"


def _latest_state(output: Output, revisions: Mapping[str, int]) -> Iterator[str]:
    """Revisions of an account rise, up to the stored one."""
    latest: dict[str, int] = {}
    for record in output.records[STATE]:
        account, revision = record.key.decode(), orjson.loads(record.value)["revision"]
        if revision <= latest.get(account, 0):
            yield f"{account}: revision {revision} of its state document comes after {latest[account]}"
        latest[account] = revision
    for account, revision in latest.items():
        if revision != revisions[account]:
            yield f"{account}: the last state document is not that of revision {revisions[account]}"
