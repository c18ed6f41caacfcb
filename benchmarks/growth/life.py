"""The months of all accounts, which take turns: what each event and each timer takes.

Month by month the deduction fails for want of money and a reminder tells of it; then a server is registered, a setting
recorded, a credit comes, with which the deduction is tried once more, and a renewal by hand. Of an account with parked
events the wait of one ends instead of a timer, and the renewal is parked.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from benchmarks.growth.accounts import PARKED, Subject, credit, renewal
from benchmarks.growth.copy import Copy, Cost
from benchmarks.workload import Message
from shared.contracts.topics import SERVER_INVENTORY

Samples: TypeAlias = Mapping[tuple[str, str, int], Sequence[Cost]]
"""Kind of thing, event or timer, how many things there are -> what it took each time."""
_WAIT_OVER: Final = "end of a wait"
_BEFORE_EVENTS: Final = ("reminder", _WAIT_OVER)
_SECOND: Final = timedelta(seconds=1)


async def live(copy: Copy, subjects: Sequence[Subject], months: int) -> Samples:
    """Until each account has had so many reminders, or ends of waits, with the events after them."""
    samples: defaultdict[tuple[str, str, int], list[Cost]] = defaultdict(list)
    left = {each.account_id: months for each in subjects}
    by_id = {each.account_id: each for each in subjects}
    for subject in subjects:
        if subject.kind == PARKED:
            copy.at = copy.at + _SECOND
            await copy.apply([renewal(subject, "first", copy.at)])
    while any(left.values()):
        at, account_id, kind = await copy.next_due()
        subject, copy.at = by_id[account_id], at
        samples[subject.kind, kind, subject.number].append(await copy.run_due())
        if kind in _BEFORE_EVENTS and left[account_id]:
            left[account_id] -= 1
            for name, event in _events(subject, left[account_id], at):
                copy.at += _SECOND
                samples[subject.kind, name, subject.number].append(await copy.apply([event]))
    return samples


def _events(subject: Subject, month: int, at: datetime) -> Iterator[tuple[str, Message]]:
    """What they are called, and the events of a month."""
    server = {"server_id": f"new-{month}", "cores": 4}
    setting = {"kind": "tag", "key": f"new-{month}", "value": {"colour": "red", "servers": []}}
    yield "server", subject.event(SERVER_INVENTORY, "server.registered", f"server-{month}", at, **server)
    yield "setting", subject.event(SERVER_INVENTORY, "configuration.recorded", f"setting-{month}", at, **setting)
    yield "credit", credit(subject, f"credit-{month}", at, "0.01")
    yield "renewal", renewal(subject, f"renewal-{month}", at)
