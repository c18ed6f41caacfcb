"""In what the two bare loops differ: what they write of an account, of orders, and of a state document."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from benchmarks.bare_loop import statements as sql
from benchmarks.bare_loop.batch import Answered, Batch
from benchmarks.bare_loop.texts import TypicalTexts
from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import LIFECYCLE, STATE
from shared.outbox.log import Headers, pack

NO_HEADERS: Final[Headers] = ()


class Design(ABC):
    """What one of the two loops writes.

    update_accounts: statement over account id, contact and subscription, null where a document stays as it is.
    lifecycle_headers: of a lifecycle event's record, beside `sequence`.
    """

    update_accounts: ClassVar[str]
    lifecycle_headers: ClassVar[Headers]

    def __init__(self, texts: TypicalTexts) -> None:
        self._state = texts.state.encode()

    @abstractmethod
    def state_entry(self) -> tuple[bytes | None, bytes | None]:
        """Value and headers of the log's entry for a state document."""

    @abstractmethod
    def orders(self, batch: Batch) -> Sequence[Answered]:
        """The events that spend a business id, and get a row in the order list."""

    @abstractmethod
    async def count(self, connection: Any, batch: Batch) -> None:
        """Write how many events there were."""

    @abstractmethod
    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Of rows of the log (topic, partition, sequence, key, value) those that are published, in order."""


class November(Design):
    """State documents are entries of the log; each event that is not about a server is written as an order."""

    update_accounts = sql.UPDATE_ACCOUNTS_2026_11
    lifecycle_headers = NO_HEADERS

    def state_entry(self) -> tuple[bytes | None, bytes | None]:
        return self._state, None

    def orders(self, batch: Batch) -> Sequence[Answered]:
        return batch.answered

    async def count(self, connection: Any, batch: Batch) -> None:
        """This loop did not."""

    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        return rows


class Present(Design):
    """The log says only that a state document changed: the relay puts one in the place of the account's last change.

    Only what names an order is written as one; timers and what lists an account change with orders and switches only;
    events and subscriptions are counted.
    """

    update_accounts = sql.UPDATE_ACCOUNTS
    lifecycle_headers = (("content-type", STRUCTURED.encode()),)

    def state_entry(self) -> tuple[bytes | None, bytes | None]:
        return None, pack((("revision", b"2"),))

    def orders(self, batch: Batch) -> Sequence[Answered]:
        return [each for each in batch.answered if each.is_order]

    async def count(self, connection: Any, batch: Batch) -> None:
        await connection.execute(sql.COUNT_EVENTS, list(batch.counts), list(batch.counts.values()))
        if batch.customers:
            await connection.execute(sql.COUNT_SUBSCRIPTIONS, len(batch.customers))

    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        last = {key: sequence for topic, _, sequence, key, _ in rows if topic == STATE}
        return [
            (topic, partition, sequence, key, self._state if topic == STATE else value)
            for topic, partition, sequence, key, value in rows
            if topic == LIFECYCLE or last[key] == sequence
        ]


DESIGNS: Final[Mapping[str, type[Design]]] = {"bare": Present, "bare-2026-11": November}
