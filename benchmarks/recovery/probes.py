"""One event for each partition, sent right after a death, and when each was decided, published and mailed.

Probe number n lies on partition n of `purchases`, and what is decided about it on partition n of the lifecycle: so the
slowest probe says when the last partition goes on. Times are seconds of the machine's clock (`time.time`).
"""

import itertools
import json
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from benchmarks.workload import Message, purchase_of
from shared.kafka.partitioning import partition_of

PARTITIONS = 6


@dataclass
class Probes:
    """Accounts that purchase, in order of their partition; `mailed` also knows those of `in_hand`.

    `decided`: what `recordedat` says; `published`: when a `read_committed` reader had the record; `mailed`: when the
    mail server had the mail.
    """

    accounts: list[str] = field(default_factory=lambda: list(_accounts()))
    in_hand: list[str] = field(default_factory=list)
    decided: dict[str, float] = field(default_factory=dict)
    published: dict[str, float] = field(default_factory=dict)
    mailed: dict[str, float] = field(default_factory=dict)

    def messages(self) -> Iterator[Message]:
        """Their purchases."""
        return (purchase_of(account, datetime.now(UTC)) for account in self.accounts)

    def take_record(self, record: Any) -> None:
        """A record of the lifecycle topic has arrived."""
        account = record.key.decode()
        if account in self.accounts and account not in self.published:
            self.published[account] = time.time()
            self.decided[account] = datetime.fromisoformat(json.loads(record.value)["recordedat"]).timestamp()

    def take_mails(self, mails: Iterable[dict[str, Any]]) -> None:
        """The mails that the mail server has."""
        for mail in mails:
            account = mail["rcpt_to"][0].partition("@")[0]
            if account in self.accounts or account in self.in_hand:
                self.mailed.setdefault(account, datetime.fromisoformat(mail["received_at"]).timestamp())

    @property
    def is_complete(self) -> bool:
        """Whether every probe is published, and every mail there."""
        return self.published.keys() >= set(self.accounts) and self.mailed.keys() >= {*self.accounts, *self.in_hand}


def new_account() -> str:
    """An account that does not exist."""
    return f"probe-{uuid.uuid4().hex[:12]}"


def _accounts() -> Iterator[str]:
    """One account for each partition of the lifecycle."""
    for partition in range(PARTITIONS):
        candidates = (new_account() for _ in itertools.count())
        yield next(account for account in candidates if partition_of(account, PARTITIONS) == partition)
