"""The months of all accounts, which take turns: what each event and each timer takes.

Month by month the deduction fails for want of money and a reminder tells of it; then a server is registered, a setting
recorded, a credit comes, with which the deduction is tried once more, and a renewal by hand. Of an account with parked
events the wait of one ends instead of a timer, and the renewal is parked.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from benchmarks.growth.accounts import PARKED, Subject
from benchmarks.growth.copy import WAIT_OVER, Copy, Samples
from benchmarks.growth.events import ordinary_events, renewal

_BEFORE_EVENTS: Final = ("reminder", WAIT_OVER)
_SECOND: Final = timedelta(seconds=1)


async def live(copy: Copy, subjects: Sequence[Subject], months: int) -> Samples:
    """Until each account has had so many reminders, or ends of waits, with the events after them."""
    samples: Samples = defaultdict(lambda: defaultdict(list))
    left = {each.account_id: months for each in subjects}
    by_id = {each.account_id: each for each in subjects}
    await _park_one(copy, subjects)
    while any(left.values()):
        copy.at, account_id, due = await copy.next_due()
        kind, number, _ = by_id[account_id]
        samples[f"{kind}: {due}"][number].append(await copy.run_due())
        if due in _BEFORE_EVENTS and left[account_id]:
            left[account_id] -= 1
            for name, event in ordinary_events(account_id, f"new-{left[account_id]}", copy.at):
                copy.at += _SECOND
                samples[f"{kind}: {name}"][number].append(await copy.apply([event]))
    return samples


async def _park_one(copy: Copy, subjects: Sequence[Subject]) -> None:
    """Events whose waits end one after the other, long before those that the accounts have been given."""
    for subject in subjects:
        if subject.kind == PARKED:
            copy.at += _SECOND
            await copy.apply([renewal(subject.account_id, "first", copy.at)])
