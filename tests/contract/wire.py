"""Events as producers put them on the wire, for the contract tests: made whole, then bent by each test."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from shared.contracts.envelope import Event, decode
from shared.contracts.inbound import INBOUND_EVENTS
from shared.contracts.unreadable import Reason, Unreadable

ACCEPTS: Mapping[str, type[Any]] = INBOUND_EVENTS
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
REGISTERED = "tenure.server.registered.v1"
RECORDED = "tenure.configuration.recorded.v1"
MISSING: Any = object()

SERVER = {"account_id": "acct-1", "server_id": "srv-1", "cores": 4}
SPECIFICATION = {
    "edition": "ultimate",
    "protection_mode": "full",
    "protected_servers": 5,
    "cores": 20,
    "value_added": {"log_storage_gb": 100},
}
PURCHASE = {
    "order_id": "ord-1",
    "account_id": "acct-1",
    "contact": {"name": "Lin Wei", "email": "lin.wei@example.com"},
    "specification": SPECIFICATION,
    "duration_months": 1,
    "auto_renewal": True,
    "terms_accepted": True,
}
COUPON = {
    "coupon_id": "SPRING",
    "account_id": "acct-1",
    "amount_off": "20.00",
    "minimum_spend": "100.00",
    "valid_from": "2026-02-01",
    "valid_until": "2026-02-28",
}


def envelope(data: Any = SERVER, **attributes: Any) -> dict[str, Any]:
    """A structured event; an attribute that is `MISSING` is left out."""
    fields = {
        "specversion": "1.0",
        "id": "evt-1",
        "source": "/asset-service",
        "type": REGISTERED,
        "time": "2026-03-01T10:00:00Z",
        "subject": "acct-1",
        "data": data,
        **attributes,
    }
    return {name: value for name, value in fields.items() if value is not MISSING}


def structured(data: Any = SERVER, **attributes: Any) -> bytes:
    return orjson.dumps(envelope(data, **attributes))


def binary(**attributes: Any) -> list[tuple[str, bytes | None]]:
    """The headers of binary mode."""
    fields = envelope(MISSING, **attributes)
    return [(f"ce_{name}", str(value).encode()) for name, value in fields.items()]


def read(value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()) -> Event[Any]:
    return decode(value, headers, ACCEPTS)


def refusal(value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()) -> Unreadable:
    with pytest.raises(Unreadable) as refused:
        read(value, headers)
    return refused.value


def reason(value: bytes | None, headers: Sequence[tuple[str, bytes | None]] = ()) -> Reason:
    return refusal(value, headers).reason
