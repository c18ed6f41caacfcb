"""The workload: valid CloudEvents as upstream services would send them, the same for the same seed and number.

`existing_customers` subscribes the customers that exist before anything is measured; `mixed` is what is measured:
60 % inventory, 25 % renewals and changes, 10 % auto-renewal switches, 5 % purchases by new customers. There are half as
many accounts as mixed events; nine tenths of them exist before. Nearly every event changes something.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final, NamedTuple

import orjson

from shared.contracts.envelope import wire_time
from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY

SEED: Final = 20261123
SERVERS_PER_ACCOUNT: Final = 4
_SERVERS_AT_FIRST: Final = 2
_CORES: Final = (2, 4, 8, 16)
_SPREAD: Final = timedelta(minutes=50)
_KINDS: Final = (("inventory", 60), ("order", 25), ("switch", 10), ("purchase", 5))
_ORDERS: Final = (("renewal.ordered", 50), ("renewal.change_ordered", 25), ("specification.change_ordered", 25))


class Message(NamedTuple):
    """One record for Kafka; `id` is the CloudEvent's."""

    topic: str
    account_id: str
    id: str
    value: bytes


@dataclass
class Workload:
    """`count` mixed events and `paced` further ones, whose times end at `until` (UTC)."""

    count: int
    until: datetime
    seed: int = SEED
    paced: int = 0
    _switched: set[str] = field(default_factory=set)
    _bound: set[str] = field(default_factory=set)
    _cores: dict[str, int] = field(default_factory=dict)

    @property
    def accounts(self) -> int:
        """How many accounts there are in the end."""
        return (self.count + self.paced) // 2

    @property
    def new_customers(self) -> int:
        """How many of them purchase among the mixed events."""
        return len([kind for kind in _kinds(self.count + self.paced, Random(self.seed)) if kind == "purchase"])

    def backlog_and_paced(self) -> tuple[list[Message], list[Message]]:
        """The mixed events: those that wait before anything is started, and those that come at half load."""
        messages = list(self.mixed())
        return messages[: self.count], messages[self.count :]

    def existing_customers(self) -> Iterator[Message]:
        """The purchases and the servers of those who are customers before the mixed events."""
        at = self.until - _SPREAD - timedelta(minutes=5)
        for owner in range(self.accounts - self.new_customers):
            account = account_id(owner)
            servers = [{"server_id": server_id(owner, each), "cores": 4} for each in range(_SERVERS_AT_FIRST)]
            yield message(PURCHASES, "purchase.ordered", f"p-{owner}", at, _purchase(owner, "existing"))
            yield message(
                SERVER_INVENTORY, "inventory.snapshot", f"s-{owner}", at, {"account_id": account, "servers": servers}
            )

    def mixed(self) -> Iterator[Message]:
        """The mixed events in the order of their times."""
        random, existing = Random(self.seed + 1), self.accounts - self.new_customers
        new_customer = existing
        self._switched.clear()
        self._cores = {server_id(owner, each): 4 for owner in range(existing) for each in range(_SERVERS_AT_FIRST)}
        self._bound.clear()
        for number, kind in enumerate(_kinds(self.count + self.paced, Random(self.seed))):
            at = self.until - _SPREAD * (1 - number / (self.count + self.paced))
            if kind == "purchase":
                yield message(PURCHASES, "purchase.ordered", f"e-{number}", at, _purchase(new_customer, "new"))
                new_customer += 1
            elif kind == "inventory":
                yield self._inventory(number, random.randrange(self.accounts), random, at)
            else:
                make = self._order if kind == "order" else self._switch
                yield make(number, random.randrange(existing), random, at)

    def _inventory(self, number: int, owner: int, random: Random, at: datetime) -> Message:
        """Something that can happen to one of the account's servers in its present state."""
        server = server_id(owner, random.randrange(SERVERS_PER_ACCOUNT))
        data: dict[str, Any] = {"account_id": account_id(owner), "server_id": server}
        kind = self._next_change(server, partial=owner % 2 == 0, random=random)
        if kind in ("registered", "resized"):
            data["cores"] = self._cores[server]
        if kind == "registered":
            data |= {"name": f"web-{number}", "region": "cn-hangzhou"}
        return message(SERVER_INVENTORY, f"server.{kind}", f"e-{number}", at, data)

    def _next_change(self, server: str, *, partial: bool, random: Random) -> str:
        if server not in self._cores:
            self._cores[server] = random.choice(_CORES)
            return "registered"
        if random.random() < 0.3:
            del self._cores[server]
            self._bound.discard(server)
            return "released"
        if partial and random.random() < 0.5:
            self._bound ^= {server}
            return "bound" if server in self._bound else "unbound"
        self._cores[server] = random.choice([cores for cores in _CORES if cores != self._cores[server]])
        return "resized"

    def _order(self, number: int, owner: int, random: Random, at: datetime) -> Message:
        kind = _one_of(_ORDERS, random)
        data: dict[str, Any] = {"order_id": f"order-{number}", "account_id": account_id(owner), "terms_accepted": True}
        if kind != "specification.change_ordered":
            data["duration_months"] = random.choice((1, 3, 12))
        if kind != "renewal.ordered":
            data["specification"] = _specification(owner, log_storage_gb=10 * random.randrange(1, 100))
        return message(RENEWALS, kind, f"e-{number}", at, data)

    def _switch(self, number: int, owner: int, random: Random, at: datetime) -> Message:
        """Auto-renewal on where it is off, off where it is on, so that each event changes something."""
        account = account_id(owner)
        self._switched ^= {account}
        if account in self._switched:
            data = {"account_id": account, "cycle_months": random.choice((1, 3, 12))}
            return message(RENEWALS, "auto_renewal.enabled", f"e-{number}", at, data)
        return message(RENEWALS, "auto_renewal.disabled", f"e-{number}", at, {"account_id": account})


def account_id(number: int) -> str:
    """The id of this account."""
    return f"acct-{number:07d}"


def server_id(owner: int, number: int) -> str:
    """The id of an account's server."""
    return f"{account_id(owner)}-s{number}"


def event_of_new_account(number: int, at: datetime) -> Message:
    """One event of an account that does not exist yet: a purchase or a server, alternating."""
    account = f"late-{number:07d}"
    if number % 2:
        server = {"account_id": account, "server_id": f"{account}-s0", "cores": 4}
        return message(SERVER_INVENTORY, "server.registered", f"late-{number}", at, server)
    purchase = {**_purchase(number, "late"), "account_id": account}
    return message(PURCHASES, "purchase.ordered", f"late-{number}", at, purchase)


def purchase_of(account: str, at: datetime) -> Message:
    """The purchase of an account that does not exist yet; its mails go to an address of its own."""
    contact = {"name": "Lin Wei", "email": f"{account}@example.com", "locale": "en", "time_zone": "Asia/Shanghai"}
    purchase = {**_purchase(0, account), "account_id": account, "contact": contact}
    return message(PURCHASES, "purchase.ordered", f"{account}-purchase", at, purchase)


def _kinds(count: int, random: Random) -> list[str]:
    """Kinds of event in exactly the shares of the mix, shuffled."""
    kinds = [kind for kind, share in _KINDS for _ in range(count * share // 100)]
    kinds += ["inventory"] * (count - len(kinds))
    random.shuffle(kinds)
    return kinds


def _one_of(shares: tuple[tuple[str, int], ...], random: Random) -> str:
    return random.choices([name for name, _ in shares], [share for _, share in shares])[0]


def _purchase(owner: int, group: str) -> dict[str, Any]:
    account = account_id(owner)
    return {
        "order_id": f"{group}-order-{owner}",
        "account_id": account,
        "contact": {"name": "Lin Wei", "email": f"{account}@example.com", "locale": "en", "time_zone": "Asia/Shanghai"},
        "specification": _specification(owner),
        "duration_months": (1, 3, 12)[owner % 3],
        "auto_renewal": False,
        "terms_accepted": True,
    }


def _specification(owner: int, **value_added: int) -> dict[str, Any]:
    """Half of the customers are in full mode, half in partial mode; the quota suffices for all their servers."""
    return {
        "edition": "ultimate",
        "protection_mode": "full" if owner % 2 else "partial",
        "protected_servers": 2 * SERVERS_PER_ACCOUNT,
        "cores": 100,
        "value_added": {"anti_ransomware_gb": 100, **value_added},
    }


def message(topic: str, kind: str, id_: str, at: datetime, data: Mapping[str, Any]) -> Message:
    """The event of this kind, such as `purchase.ordered`, about the account in `data`. `at`: its `time` (UTC)."""
    account: str = data["account_id"]
    event = {
        "specversion": "1.0",
        "id": id_,
        "source": f"/benchmark/{topic}",
        "type": f"tenure.{kind}.v1",
        "time": wire_time(at.replace(microsecond=0)),
        "subject": account,
        "datacontenttype": "application/json",
        "data": data,
    }
    return Message(topic, account, id_, orjson.dumps(event))
