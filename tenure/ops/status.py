"""How far the page has read, and whether the broker answers: what makes its numbers honest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

COMPONENT: Final = "topics"
"""What waits while the broker does not answer."""


class PartitionLag(NamedTuple):
    """How far a service has come in one partition. `topic`: the contract's name; `committed` None: nothing yet."""

    service: str
    topic: str
    partition: int
    committed: int | None
    begin: int
    end: int

    @property
    def lag(self) -> int:
        """Records that it has not applied yet."""
        return max(0, self.end - (self.begin if self.committed is None else self.committed))


@dataclass(slots=True)
class Status:
    """`heard_at`: when the broker last answered; `trouble`: why it does not now, `since` when.

    `to_read`: records that lay on the topics when reading began, `behind`: how many of all are not read now.
    `missing`: topics that do not exist yet. `lags`: of the services, None where the broker does not tell.
    """

    heard_at: datetime | None = None
    trouble: str | None = None
    since: datetime | None = None
    caught_up: bool = False
    to_read: int = 0
    behind: int = 0
    missing: Sequence[str] = ()
    lags: Sequence[PartitionLag] | None = field(default=None)

    def lose(self, trouble: str, now: datetime) -> None:
        """The broker does not answer."""
        self.trouble = trouble
        self.since = self.since or now

    def hear(self, now: datetime, *, behind: int, to_read: int) -> None:
        """It has answered: so many records are not read yet."""
        self.heard_at, self.trouble, self.since = now, None, None
        self.behind, self.to_read = behind, max(self.to_read, to_read)
        self.caught_up = self.caught_up or behind == 0

    @property
    def share_read(self) -> float:
        """How much of what lay there at the start is read, from 0 to 1."""
        return 1.0 if self.caught_up or not self.to_read else max(0.0, 1 - self.behind / self.to_read)
