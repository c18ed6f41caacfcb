"""What a bare loop writes in one transaction, found in raw records without decoding them."""

from collections import Counter
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from shared.contracts.topics import PURCHASES, SERVER_INVENTORY

_ORDER: Final = b'"order_id":"'
_SERVER: Final = b'"server_id":"'


class Answered(NamedTuple):
    """An event that a lifecycle event answers. `key`: stands for its id. `is_order`: whether it names an order."""

    key: bytes
    account: str
    is_order: bool


class Entry(NamedTuple):
    """One of the log. `sequences`: how many it takes; it stands under the last one."""

    topic: str
    partition: int
    account: str | None
    value: bytes | None
    headers: bytes | None = None
    sequences: int = 1


class Batch:
    """`keys`: of all events. `customers`: accounts with a purchase. `counts`: events per topic."""

    def __init__(self) -> None:
        self.accounts: set[str] = set()
        self.customers: set[str] = set()
        self.keys: list[bytes] = []
        self.answered: list[Answered] = []
        self.servers: dict[tuple[str, str], None] = {}
        self.counts: Counter[str] = Counter()

    def add(self, topic: str, record: Any) -> None:
        """One record of a topic, which is given by its logical name."""
        key, account = blake2b(record.value, digest_size=16).digest(), record.key.decode()
        self.accounts.add(account)
        self.keys.append(key)
        self.counts[topic] += 1
        if topic == SERVER_INVENTORY:
            self.servers[account, _server_of(record.value)] = None
        else:
            self.answered.append(Answered(key, account, _ORDER in record.value))
        if topic == PURCHASES:
            self.customers.add(account)


def _server_of(value: bytes) -> str:
    start = value.index(_SERVER) + len(_SERVER)
    return value[start : value.index(b'"', start)].decode()
