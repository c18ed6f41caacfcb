"""Servers that are gone cost nothing: neither the account whose snapshots always name others, nor its neighbours."""

import json
import resource
import time
from datetime import timedelta
from typing import Final

import pytest

from shared.contracts.inbound import InboundData
from tests.integration.subscription.core import Batch, Core, record
from tests.integration.subscription.test_replaying import event
from tests.unit.domain.scenario import purchase, registered, snapshot, specification, when

NOON: Final = when("2026-01-15 12:00")
SERVERS: Final = 15_000
SNAPSHOTS: Final = 4
GONE: Final = 1_000_000
GONE_PER_STATEMENT: Final = 100_000
MOST_SECONDS: Final = 8.0
"""For one snapshot of one server, on a machine that is busy otherwise; it takes 0.3 s on a free one."""
MOST_BYTES: Final = 300 * 1024 * 1024

GONE_ROWS: Final = """
    INSERT INTO server (account_id, server_id, present, cores, bound, marks)
    SELECT 'acme', 'gone-' || n, false, 0, false,
        CASE WHEN n % 2 = 0 THEN '[["2026-01-15T03:00:00Z","/assets","e"],0,null]'
        ELSE '[["2026-01-15T03:00:00Z","/assets","e"],["2026-01-15T03:00:00Z","/assets","e"],null]' END
    FROM generate_series({first}, {last}) AS n
"""


def batch(number: int, *commands: InboundData) -> Batch:
    """Sent one after another, a second apart."""
    at = NOON + timedelta(seconds=10 * number)
    return Batch(at, [record(*event(100 * number + place, at, command)) for place, command in enumerate(commands)])


def large_snapshot(number: int) -> Batch:
    """15,000 servers, written as briefly as JSON allows, since a record may have 1 MB."""
    (topic, value), *_ = batch(number, snapshot({})).records
    document = json.loads(value)
    document["data"]["servers"] = [
        {"server_id": f"{number}-{each}", "cores": 2, "bound": each == 0} for each in range(SERVERS)
    ]
    return Batch(NOON + timedelta(seconds=10 * number), [(topic, json.dumps(document, separators=(",", ":")).encode())])


def _rows(core: Core) -> int:
    return len(core.stored()["server"])


@pytest.mark.rule("R37")
@pytest.mark.timeout(120)
def test_snapshots_of_thousands_of_servers_with_ever_new_ids_leave_no_rows_of_those_that_are_gone(core: Core) -> None:
    core.begin()
    large = specification(mode="partial", servers=2 * SERVERS, cores=4 * SERVERS)
    core.receive(batch(1, purchase(specification=large), registered("other")))
    for number in range(2, 2 + SNAPSHOTS):
        core.receive(large_snapshot(number))
        assert _rows(core) == SERVERS
    core.receive(batch(9, snapshot({"s-1": (3, True)})))
    assert _rows(core) == 1
    assert core.differences() == []


@pytest.mark.rule("R37")
@pytest.mark.timeout(180)
def test_a_snapshot_of_one_server_over_a_million_rows_of_gone_ones_is_one_quick_and_small_transaction(
    core: Core,
) -> None:
    core.begin()
    core.receive(batch(1, purchase(specification=specification(mode="partial"))))
    for first in range(1, GONE, GONE_PER_STATEMENT):
        core.migrated(GONE_ROWS.format(first=first, last=first + GONE_PER_STATEMENT - 1))
    core.migrated("ANALYZE server")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    core.receive(batch(2, snapshot({"s-1": (3, True)}), registered("gone-7", 1), registered("gone-8", 1)))
    assert time.monotonic() - began < MOST_SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < MOST_BYTES
    assert core.longest_pause < 1
    assert core.differences() == []
