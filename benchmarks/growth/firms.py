"""The same work beside few accounts and beside very many: timers of the same number, polls that find nothing due, and
events of accounts that are drawn at random.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final, NamedTuple

import asyncpg

from benchmarks.firm import make_firm
from benchmarks.growth.copy import Copy, Cost, Samples
from benchmarks.growth.events import ordinary_events
from benchmarks.workload import Message
from shared.kafka.reader import MAX_RECORDS
from subscription_service.domain.policy import Rules
from tenure.local.postgres import Postgres

_NOW: Final = datetime(2026, 11, 26, 12, tzinfo=UTC)
_DAYS_EARLIER: Final = timedelta(days=9)
_EMPTY_LOOKS: Final = 40
_ONLY_DUE: Final = (
    "DELETE FROM account WHERE account_id >= $1 AND account_id NOT IN (SELECT account_id FROM account"
    " WHERE account_id >= $1 AND next_due_at <= $2 ORDER BY account_id LIMIT $3)"
)
_DUE: Final = "SELECT count(*) FROM account WHERE next_due_at <= $1"
_NONE: Final = "DELETE FROM account WHERE account_id >= $1"


class Work(NamedTuple):
    """What is measured, and how often: `due` accounts with something due in each round."""

    due: int
    rounds: int

    @property
    def made(self) -> int:
        """Accounts that are made anew in each round: of one in seven something is due."""
        return self.due * 8


async def beside(postgres: Postgres, rules: Rules, sizes: Sequence[int], work: Work) -> Samples:
    """A timer, per account with something due; an event, in batches of as many as the reader takes; an empty look."""
    copies = {size: await _begin(postgres, rules, size) for size in sizes}
    samples: Samples = defaultdict(lambda: {size: [] for size in sizes})
    for number in range(work.rounds):
        for size, copy in copies.items():
            samples["accounts: timer"][size].append(await _timers(copy, size + number * work.made, work))
            samples["accounts: empty look"][size] += [await copy.run_due() for _ in range(_EMPTY_LOOKS)]
            samples["accounts: event"][size].append(await _events(copy, size, number))
        print(f"round {number + 1} of {work.rounds}", flush=True)
    for copy in copies.values():
        await copy.end()
    return samples


async def _begin(postgres: Postgres, rules: Rules, size: int) -> Copy:
    database = f"firm_{size}"
    connection = await asyncpg.connect(postgres.url_of("postgres"))
    await connection.execute(f"CREATE DATABASE {database}")
    await connection.close()
    copy = await Copy.begin(postgres.url_of(database), rules)
    await make_firm(copy.url, size, _NOW.date())
    copy.at = _NOW
    print(f"made {size:,} accounts", flush=True)
    return copy


async def _timers(copy: Copy, first: int, work: Work) -> Cost:
    """Of accounts that are made for it, numbered from `first`, and deleted afterwards."""
    await make_firm(copy.url, work.made, (_NOW - _DAYS_EARLIER).date(), first=first)
    first_id = f"firm-{first:09}"
    await copy.sql(_ONLY_DUE, first_id, _NOW, work.due)
    [[count]] = await copy.sql(_DUE, _NOW)
    cost = await copy.run_due()
    await copy.sql(_NONE, first_id)
    return cost.each_of(count)


async def _events(copy: Copy, size: int, number: int) -> Cost:
    chance = Random(number)
    drawn = chance.sample(range(size), min(size, MAX_RECORDS))
    messages: list[Message] = []
    for place, account in enumerate(drawn):
        events = list(ordinary_events(f"firm-{account:09}", f"new-{number}", _NOW))
        messages.append(events[place % len(events)][1])
    return (await copy.apply(messages)).each_of(len(messages))
