"""The topics that the operations page reads, filled as the services would fill them."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import LIFECYCLE, OUTCOMES, STATE
from shared.kafka.topics import ensure
from shared.runtime.settings import Settings
from shared.web.examples import examples
from tenure.ops.model import KEPT_TOPICS, WATCHED_TOPICS

_STATE_EXAMPLE: Final = "tenure.subscription.state"
_STATES: Final = (*["active"] * 17, "grace", "released", "released")
_EDITIONS: Final = ("ultimate", "enterprise", "advanced", "anti-virus")
_PARTITIONS: Final = 6
_EVENTS_SHARE: Final = 5
"""One account in so many had a lifecycle event and an email in the last 30 days."""


class Topics:
    """Of one broker. E of the first account is `first`; those of the others follow, a day apart, for a year."""

    def __init__(self, settings: Settings, first: date) -> None:
        self._settings = settings
        self._first = first

    async def fill(self, count: int) -> None:
        """State documents of so many accounts, and events and outcomes of some of them."""
        await ensure((*KEPT_TOPICS, *WATCHED_TOPICS), self._settings)
        async with self._producer() as producer:
            numbers = range(count)
            await _send(producer, STATE, (self._document(number) for number in numbers))
            await _send(producer, LIFECYCLE, (_event(number) for number in numbers[::_EVENTS_SHARE]))
            await _send(producer, OUTCOMES, (_outcome(number) for number in numbers[::_EVENTS_SHARE]))

    async def add(self, number: int) -> None:
        """The first document of one more account, which is active."""
        async with self._producer() as producer:
            key, value = self._document(number, state="active")
            await producer.send_and_wait(STATE, value, key=key)

    def _producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap_servers, enable_idempotence=True, max_batch_size=500_000
        )

    def _document(self, number: int, **changes: str) -> tuple[bytes, bytes]:
        return _document(number, self._first + timedelta(days=number % 365), **changes)


def _document(number: int, expires_on: date, **changes: str) -> tuple[bytes, bytes]:
    """The example of the contract, with what the page shows of an account different in each."""
    account, term = f"acct-{number:08}", _term(number, expires_on)
    document = {
        **examples()[_STATE_EXAMPLE],
        "account_id": account,
        "subscription_id": f"sub-{account}-1",
        "state": _STATES[number % len(_STATES)],
        "edition": term["specification"]["edition"],
        "specification": term["specification"],
        "terms": [term],
        **{name: term[name] for name in ("expires_on", "ends_at")},
        "auto_renewal": _auto_renewal(number, expires_on),
        "declined": number % 30 == 0,
        "registered": {"servers": number % 21, "cores": number % 80},
        "balance": f"{number % 1000}.50",
        **changes,
    }
    return account.encode(), orjson.dumps(document)


def _term(number: int, expires_on: date) -> dict[str, Any]:
    return {
        "order_id": f"order-{number:08}",
        "starts_at": f"{expires_on - timedelta(days=30)}T16:00:00Z",
        "ends_at": f"{expires_on}T16:00:00Z",
        "expires_on": expires_on.isoformat(),
        "months": 1,
        "specification": {
            "edition": _EDITIONS[number % 4],
            "protection_mode": "full" if number % 2 else "partial",
            "protected_servers": 3 + number % 20,
            "cores": 12 + number % 80,
            "value_added": {"log_storage_gb": 10 * (number % 50)},
        },
    }


def _auto_renewal(number: int, expires_on: date) -> dict[str, Any]:
    """On for two of three."""
    if number % 3 == 0:
        return {
            **dict.fromkeys(("cycle_months", "effective_on", "next_attempt_at")),
            "enabled": False,
            "failing": False,
        }
    return {
        "enabled": True,
        "cycle_months": 1,
        "effective_on": "2026-01-01",
        "next_attempt_at": f"{expires_on - timedelta(days=9)}T00:00:00Z",
        "failing": number % 500 == 1,
    }


def _event(number: int) -> tuple[bytes, bytes]:
    account = f"acct-{number:08}"
    refused = number % 50 == 0
    data = {
        "account_id": account,
        "subscription_id": f"sub-{account}-1",
        "version": 7,
        "cause": {"type": "tenure.renewal.ordered.v1", "id": f"evt-{number:08}"},
        "actor": "user",
        "order_id": f"order-{number:08}",
        **({"code": "servers_below_inventory", "order_type": "tenure.renewal.ordered.v1"} if refused else {}),
    }
    kind = "order_rejected" if refused else "renewed"
    return account.encode(), _cloudevent(f"{account}:7", f"tenure.subscription.{kind}.v1", account, data)


def _outcome(number: int) -> tuple[bytes, bytes]:
    account = f"acct-{number:08}"
    outcome = "delivered" if number % 100 else "failed"
    data = {
        "notification_id": f"ntf-{number:024}",
        "account_id": account,
        "lifecycle_event_id": f"{account}:7",
        "lifecycle_type": "tenure.subscription.renewed.v1",
        "channel": "email",
        "attempts": 1,
        "reason": None if outcome == "delivered" else "550 5.1.1 mailbox unknown",
        "recipient_id": None,
    }
    return account.encode(), _cloudevent(f"outcome-{number}", f"tenure.notification.{outcome}.v1", account, data)


def _cloudevent(identity: str, kind: str, account: str, data: dict[str, Any]) -> bytes:
    head = {"specversion": "1.0", "id": identity, "source": "/bench", "type": kind, "time": "2026-11-26T08:00:00Z"}
    return orjson.dumps({**head, "subject": account, "recordedat": "2026-11-26T08:00:00Z", "sequence": 1, "data": data})


async def _send(producer: AIOKafkaProducer, topic: str, records: Iterator[tuple[bytes, bytes]]) -> None:
    """Whole batches, spread over the partitions by piece; which account lies where does not matter here."""
    sent: list[asyncio.Future[Any]] = []
    batch, partition = producer.create_batch(), 0
    for key, value in records:
        if batch.append(key=key, value=value, timestamp=None) is None:
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch, partition = producer.create_batch(), (partition + 1) % _PARTITIONS
            batch.append(key=key, value=value, timestamp=None)
    sent.append(await producer.send_batch(batch, topic, partition=partition))
    for each in sent:
        await each
