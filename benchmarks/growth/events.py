"""Ordinary events of any account. Ids are unique in the account; `at` is the event's `time` (UTC)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks.workload import Message, message
from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY


def event(account_id: str, topic: str, kind: str, id_: str, at: datetime, /, **data: Any) -> Message:
    """An event about the account."""
    return message(topic, kind, f"{account_id}-{id_}", at, {"account_id": account_id, **data})


def ordinary_events(account_id: str, id_: str, at: datetime) -> Iterator[tuple[str, Message]]:
    """Four events that any account may have, each with what it is called."""
    server = {"server_id": id_, "cores": 4}
    setting = {"kind": "tag", "key": id_, "value": {"colour": "red", "servers": []}}
    yield "server", event(account_id, SERVER_INVENTORY, "server.registered", f"server-{id_}", at, **server)
    yield "setting", event(account_id, SERVER_INVENTORY, "configuration.recorded", f"setting-{id_}", at, **setting)
    yield "credit", credit(account_id, f"credit-{id_}", at, "0.01")
    yield "renewal", renewal(account_id, f"renewal-{id_}", at)


def credit(account_id: str, id_: str, at: datetime, amount: str) -> Message:
    """Money on its balance."""
    data = {"entry_id": f"{account_id}-{id_}", "amount": amount, "currency": "USD"}
    return event(account_id, PURCHASES, "account.credited", id_, at, **data)


def renewal(account_id: str, id_: str, at: datetime) -> Message:
    """One more month, by hand."""
    order = {"order_id": f"{account_id}-{id_}", "duration_months": 1, "terms_accepted": True}
    return event(account_id, RENEWALS, "renewal.ordered", id_, at, **order)
