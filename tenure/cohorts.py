"""Extending a whole cohort of accounts by the same days, once, however often the command runs.

Who belongs to the cohort, and with which E, is fixed in its journal before anything is sent. An extension's id is made
from the cohort's name and the account: sent again with the same E it counts once; and where the journal was lost, the
service refuses a second one (`order_conflict`).
"""

import asyncio
import csv
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from shared.contracts.topics import RENEWALS
from shared.runtime.tasks import run_until_one_ends
from tenure.acts import Act, OperatorClient, Performer, act_id
from tenure.event_files import Message
from tenure.event_results import EventResult, Result
from tenure.event_stream import StreamedEvent, event_stream

CHUNK: Final = 5_000
"""So many are under way at once."""
EXTENDED: Final = "tenure.subscription.extended.v1"
_FINAL: Final = (Result.APPLIED, Result.REJECTED)
_SAYS_NOTHING_NEW: Final = (Result.DUPLICATE, Result.UNKNOWN)
_LIVE: Final = ("active", "grace")
_HEAD: Final = ("account_id", "expected_expires_on", "days", "operator", "reason", "outcome", "why")


class Member(NamedTuple):
    """One account of a cohort. `expected`: its E, as the list had it; `outcome`, `why`: what became of its extension,
    empty before.
    """

    account: str
    expected: str
    outcome: str = ""
    why: str = ""

    @property
    def is_decided(self) -> bool:
        """Whether its extension was applied or refused; a later run changes nothing about it."""
        return self.outcome in _FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Those who are extended, by how many days, by whom and why."""

    name: str
    days: int
    performer: Performer
    members: Sequence[Member]


def members_of(accounts: Iterable[Mapping[str, Any]]) -> Sequence[Member]:
    """Those of a list of accounts that can be extended: active or in grace."""
    return [Member(each["account_id"], each["expires_on"]) for each in accounts if each["state"] in _LIVE]


def read_journal(file: Path, cohort: Cohort) -> Cohort:
    """The cohort with the members that its journal has. Raises `OSError`, and `ValueError` where the journal cannot be
    read, or is that of another extension.
    """
    try:
        with file.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.reader(lines, strict=True))
    except csv.Error as error:
        raise ValueError(f"{file} is no CSV: {error}") from None
    if not rows or tuple(rows[0]) != _HEAD:
        raise ValueError(f"{file}, line 1: expected {','.join(_HEAD)}")
    for number, row in enumerate(rows[1:], start=2):
        if row[2:5] != _terms(cohort) or len(row) != len(_HEAD):
            raise ValueError(f"{file}, line {number}: this cohort was begun with other days, operator or reason")
    return replace(cohort, members=[Member(*row[:2], *row[5:]) for row in rows[1:]])


def write_journal(file: Path, cohort: Cohort) -> None:
    """As a whole or not at all. Raises `OSError`."""
    unfinished = file.with_name(f"{file.name}.new")
    with unfinished.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(_HEAD)
        writer.writerows([*each[:2], *_terms(cohort), *each[2:]] for each in cohort.members)
    os.replace(unfinished, file)  # noqa: PTH105 - a path's own method says nothing of atomicity


def extend(cohort: Cohort, client: OperatorClient, *, decided: Callable[[Cohort, int], None]) -> Cohort:
    """Send all extensions of the cohort; the same with what became of each. `decided` is called with what is known so
    far, and of how many.

    Raises `NoAnswer`, `NotSent` and `Transient`, and `BadEvent` where the contract refuses one: nothing is sent then.
    """
    messages = client.messages((_act(cohort, member) for member in cohort.members), cohort.performer)
    return asyncio.run(_extend(cohort, messages, client, decided))


async def _extend(
    cohort: Cohort, messages: Sequence[Message], client: OperatorClient, decided: Callable[[Cohort, int], None]
) -> Cohort:
    known = list(cohort.members)
    events = [StreamedEvent(RENEWALS, message.key or b"", message.value) for message in messages]

    async def send_all() -> None:
        for start in range(0, len(events), CHUNK):
            results = await stream.publish(events[start : start + CHUNK])
            told = list(zip(known[start:], results, strict=False))
            known[start : start + len(told)] = await asyncio.to_thread(_told, cohort, told, client)
            decided(replace(cohort, members=known), start + len(told))

    async with event_stream(client.settings, client.service, seconds=client.seconds, topics=(RENEWALS,)) as stream:
        await run_until_one_ends(send_all, stream.keep_asking)
    return replace(cohort, members=known)


def _told(cohort: Cohort, results: Iterable[tuple[Member, EventResult]], client: OperatorClient) -> Sequence[Member]:
    """The members with what became of each; what was decided once stays. Raises `NoAnswer`."""
    return [
        member if member.is_decided and result.result in _SAYS_NOTHING_NEW else _decided(cohort, member, result, client)
        for member, result in results
    ]


def _decided(cohort: Cohort, member: Member, result: EventResult, client: OperatorClient) -> Member:
    final = client.as_first_decided(result, member.account, _identity(cohort, member))
    return member._replace(outcome=final.result, why=final.detail)


def _act(cohort: Cohort, member: Member) -> Act:
    data = {
        "extension_id": _identity(cohort, member),
        "days": cohort.days,
        "expected_expires_on": member.expected,
    }
    return Act(account=member.account, type=EXTENDED, data=data, question="")


def _identity(cohort: Cohort, member: Member) -> str:
    return act_id("extension", cohort.name, member.account)


def _terms(cohort: Cohort) -> list[str]:
    return [str(cohort.days), *cohort.performer]
