"""Accounts that have n of one kind of thing, made by events as any account.

Each has a subscription by the month, begun on a day of its own, with automatic renewal and no money for it; only those
with parked events have none.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from benchmarks.growth.copy import Copy
from benchmarks.growth.events import credit, event
from benchmarks.workload import Message
from shared.contracts.envelope import to_json
from shared.contracts.topics import PURCHASES, SERVER_INVENTORY
from shared.contracts.types import Edition, ProtectionMode, Specification
from shared.kafka.reader import MAX_RECORDS
from subscription_service.domain.pricing import fee

BEGINS: Final = datetime(2900, 1, 1, 12, tzinfo=UTC)
"""So late, since 10,000 terms of a month that have ended take 833 years."""
PARKED: Final = "parked events"
ENDED: Final = "ended terms"
_SPECIFICATION: Final = Specification(
    edition=Edition.ADVANCED, protection_mode=ProtectionMode.FULL, protected_servers=200_000, cores=0, value_added={}
)
_MONTHS_AT_ONCE: Final = 500
_PUT_OFF: Final = (
    "UPDATE waiting SET until = until + interval '1000 years' WHERE account_id = $1",
    "UPDATE account SET (first_deadline, next_due_at) = (SELECT min(until), min(until) FROM waiting"
    " WHERE waiting.account_id = account.account_id) WHERE account_id = $1",
)


class Subject(NamedTuple):
    """An account with so many of one kind of thing. `day`: of each month, on which its terms begin, from 1 to 28."""

    kind: str
    number: int
    day: int

    @property
    def account_id(self) -> str:
        """Its id, which tells both."""
        return f"{self.kind.replace(' ', '-')}-{self.number}"


async def make(copy: Copy, subject: Subject) -> None:
    """Make the account, with all that it has."""
    begins = BEGINS.replace(day=subject.day)
    if subject.kind == PARKED:
        await _send(copy, begins, _things(subject, begins))
        for statement in _PUT_OFF:
            await copy.sql(statement, subject.account_id)
    elif subject.kind == ENDED:
        await _renewed(copy, subject, begins)
    else:
        await _send(copy, begins, [_purchase(subject, begins), *_things(subject, begins)])


def _things(subject: Subject, at: datetime) -> Iterable[Message]:
    topic, kind, data = _THINGS[subject.kind]
    account_id = subject.account_id
    return (event(account_id, topic, kind, f"thing-{n}", at, **data(account_id, n)) for n in range(subject.number))


_THINGS: Final[Mapping[str, tuple[str, str, Callable[[str, int], Mapping[str, Any]]]]] = {
    "servers": (SERVER_INVENTORY, "server.registered", lambda _, n: {"server_id": f"s-{n}", "cores": 4}),
    "settings": (
        SERVER_INVENTORY,
        "configuration.recorded",
        lambda _, n: {"kind": "tag", "key": f"tag-{n}", "value": {"colour": "blue", "servers": [n]}},
    ),
    "coupons": (
        PURCHASES,
        "coupon.issued",
        lambda account_id, n: {
            "coupon_id": f"{account_id}-{n}",
            "amount_off": "1.00",
            "minimum_spend": "0.00",
            "valid_from": "2800-01-01",
            "valid_until": "3800-01-01",
        },
    ),
    PARKED: (SERVER_INVENTORY, "server.bound", lambda _, n: {"server_id": f"s-{n}"}),
}
KINDS: Final = (*_THINGS, ENDED)


def _purchase(subject: Subject, at: datetime) -> Message:
    address = f"{subject.account_id}@example.com"
    return event(
        subject.account_id,
        PURCHASES,
        "purchase.ordered",
        "purchase",
        at,
        order_id=f"{subject.account_id}-order",
        contact={"name": "Lin Wei", "email": address, "locale": "en", "time_zone": "Asia/Shanghai"},
        specification=orjson.loads(to_json(_SPECIFICATION)),
        duration_months=1,
        auto_renewal=True,
        terms_accepted=True,
    )


async def _renewed(copy: Copy, subject: Subject, until: datetime) -> None:
    """Begun so many months earlier, and renewed by itself since, with money for just these months."""
    begun = _months_before(until, subject.number)
    await _send(copy, begun, [_purchase(subject, begun), *_money(copy, subject, begun)])
    for left in range(subject.number - _MONTHS_AT_ONCE, 0, -_MONTHS_AT_ONCE):
        copy.at = _months_before(until, left)
        await copy.run_due()
    copy.at = until
    await copy.run_due()


def _money(copy: Copy, subject: Subject, at: datetime) -> Sequence[Message]:
    """A credit a month, since one has a limit."""
    a_month = str(fee(_SPECIFICATION, 1, copy.rules.prices_at(at)))
    return [credit(subject.account_id, f"month-{each}", at, a_month) for each in range(subject.number)]


async def _send(copy: Copy, at: datetime, messages: Iterable[Message]) -> None:
    copy.at = at
    left = iter(messages)
    while batch := list(islice(left, MAX_RECORDS)):
        await copy.apply(batch)


def _months_before(at: datetime, months: int) -> datetime:
    years, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    return at.replace(year=years, month=month + 1)
