"""In what the two bare loops differ: what they write of an account, of orders, and of a state document."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import orjson

from benchmarks.bare_loop import statements as sql
from benchmarks.bare_loop.batch import Answered, Batch, Entry
from benchmarks.bare_loop.texts import TypicalTexts
from shared.contracts.envelope import STRUCTURED
from shared.contracts.topics import LIFECYCLE, STATE
from shared.outbox.log import Headers, pack, unpack

NO_HEADERS: Final[Headers] = ()


class Design(ABC):
    """What one of the two loops writes.

    record_event_ids, record_business_keys: statements over keys, and over ids and fingerprints. update_accounts: one
    over account id, contact and subscription, null where a document stays as it is. lifecycle_headers: of a lifecycle
    event's record, beside `sequence`. compression: of what is published.
    """

    record_event_ids: ClassVar[str]
    record_business_keys: ClassVar[str]
    update_accounts: ClassVar[str]
    lifecycle_headers: ClassVar[Headers]
    compression: ClassVar[str | None]

    def __init__(self, texts: TypicalTexts) -> None:
        self._state = texts.state.encode()
        self._server_stamps = texts.server_stamps
        self._each_stamp = each_stamp(texts.server_stamps)

    async def make_tables(self, connection: Any) -> None:
        """Make of the present tables those that the loop writes to; they are the present ones."""

    @abstractmethod
    def state_entries(self, partitions: Mapping[str, int]) -> Iterable[Entry]:
        """The entries for the state documents of a transaction. `partitions`: account -> its partition."""

    @abstractmethod
    def orders(self, batch: Batch) -> Sequence[Answered]:
        """The events that spend a business id, and get a row in the order list."""

    @abstractmethod
    async def save_servers(self, connection: Any, servers: Sequence[tuple[str, str]]) -> None:
        """Write servers, which are given by their accounts and ids."""

    @abstractmethod
    async def count(self, connection: Any, batch: Batch) -> None:
        """Write how many events there were."""

    @abstractmethod
    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Of rows of the log, the records (topic, partition, sequence, key, value) that are published, in order."""


class November(Design):
    """State documents are entries of the log; each event that is not about a server is written as an order. Accounts
    and servers are in tables as they were then, a server with the stamp of each register.
    """

    record_event_ids = sql.RECORD_EVENT_IDS_2026_11
    record_business_keys = sql.RECORD_BUSINESS_KEYS_2026_11
    update_accounts = sql.UPDATE_ACCOUNTS_2026_11
    lifecycle_headers = NO_HEADERS
    compression = None

    async def make_tables(self, connection: Any) -> None:
        for statement in sql.TABLES_2026_11:
            await connection.execute(statement, *([self._each_stamp] if "$1" in statement else []))

    def state_entries(self, partitions: Mapping[str, int]) -> Iterable[Entry]:
        return [Entry(STATE, partition, account, self._state) for account, partition in partitions.items()]

    def orders(self, batch: Batch) -> Sequence[Answered]:
        return batch.answered

    async def save_servers(self, connection: Any, servers: Sequence[tuple[str, str]]) -> None:
        await connection.execute(sql.UPSERT_SERVERS_2026_11, *columns(servers), self._each_stamp)

    async def count(self, connection: Any, batch: Batch) -> None:
        """This loop did not."""

    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        return [row[:5] for row in rows]


class Present(Design):
    """The log says only which state documents changed, in one entry for a partition's; the relay puts one in the place
    of each account's last change. What is published is compressed.

    Only what names an order is written as one; timers and what lists an account change with orders and switches only;
    events and subscriptions are counted.
    """

    record_event_ids = sql.RECORD_EVENT_IDS
    record_business_keys = sql.RECORD_BUSINESS_KEYS
    update_accounts = sql.UPDATE_ACCOUNTS
    lifecycle_headers = (("content-type", STRUCTURED.encode()),)
    compression = "zstd"

    def state_entries(self, partitions: Mapping[str, int]) -> Iterable[Entry]:
        changes = defaultdict[int, list[tuple[str, bytes]]](list)
        for account, partition in partitions.items():
            changes[partition].append((account, b"2"))
        for partition, own in changes.items():
            yield Entry(STATE, partition, None, None, pack(tuple(own)), sequences=len(own))

    def orders(self, batch: Batch) -> Sequence[Answered]:
        return [each for each in batch.answered if each.is_order]

    async def save_servers(self, connection: Any, servers: Sequence[tuple[str, str]]) -> None:
        known = await connection.fetch(sql.UPDATE_SERVERS, *columns(servers), self._server_stamps)
        if new := sorted(set(servers) - set(map(tuple, known))):
            await connection.execute(sql.INSERT_SERVERS, *columns(new), self._server_stamps)

    async def count(self, connection: Any, batch: Batch) -> None:
        await connection.execute(sql.COUNT_EVENTS, list(batch.counts), list(batch.counts.values()))
        if batch.customers:
            await connection.execute(sql.COUNT_SUBSCRIPTIONS, len(batch.customers))

    def to_publish(self, rows: Sequence[Any]) -> Sequence[Any]:
        records = [record for row in rows for record in self._records(row)]
        last = {key: sequence for topic, _, sequence, key, _ in records if topic == STATE}
        return [each for each in records if each[0] == LIFECYCLE or last[each[3]] == each[2]]

    def _records(self, row: Any) -> Iterator[tuple[Any, ...]]:
        """The event itself, or a document for each change."""
        topic, partition, last, *_, headers = row
        if topic == LIFECYCLE:
            yield row[:5]
        else:
            changes = unpack(headers)
            for sequence, (account, _) in enumerate(changes, last - len(changes) + 1):
                yield topic, partition, sequence, account.encode(), self._state


def each_stamp(marks: str) -> str:
    """The same stamps of a server, each in its place: what names another's place becomes what stands there."""
    stamps: list[Any] = []
    for stamp in orjson.loads(marks):
        stamps.append(stamps[stamp] if isinstance(stamp, int) else stamp)
    return orjson.dumps(stamps).decode()


def columns(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows as the statements take them."""
    return [list(column) for column in zip(*rows, strict=True)]


DESIGNS: Final[Mapping[str, type[Design]]] = {"bare": Present, "bare-2026-11": November}
