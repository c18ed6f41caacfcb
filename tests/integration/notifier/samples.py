"""Lifecycle events as the subscription service publishes them, as JSON, with ids that no other event has."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tests.kit import events
from tests.kit.events import FULL, unused

CONTACT: Final = events.CONTACT | {"name": "Ada", "email": "ada@example.com", "time_zone": "Europe/Berlin"}
SPECIFICATION: Final = FULL | {"edition": "advanced", "cores": 0}
TERM: Final = {
    "order_id": "ord-1",
    "starts_at": "2026-11-01T00:00:00Z",
    "ends_at": "2099-12-01T16:00:00Z",
    "expires_on": "2099-12-01",
    "months": 1,
    "specification": SPECIFICATION,
}
ENDING: Final = {"expires_on": "2099-12-01", "ends_at": "2099-12-01T16:00:00Z"}
DATA: Final[Mapping[str, Mapping[str, Any]]] = {
    "activated": {"order_id": "ord-1", "contact": CONTACT, "term": TERM, "specification": SPECIFICATION, **ENDING}
    | {"auto_renewal": None},
    "renewed": {"order_id": "ord-2", "method": "manual", "term": TERM, **ENDING, "reactivated": False},
    "renewal_due": {**ENDING, "days_left": 7, "quote": {"months": 1, "fee": "28.50", "currency": "USD"}}
    | {"obstacles": [], "auto_renewal": "off"},
    "renewal_upcoming": {"expires_on": "2099-12-01", "attempt_at": "2099-11-22T00:00:00Z"}
    | {"quote": {"months": 1, "fee": "28.50", "currency": "USD"}, "previous_fee": "28.50", "discount": "0.00"}
    | {"coupon_id": None, "balance": "20.00", "shortfall": "8.50", "obstacles": []},
    "auto_renewal_failed": {"fee": "28.50", "discount": "0.00", "balance": "20.00", "shortfall": "8.50", "attempt": 1}
    | {"next_attempt_at": "2099-11-23T00:00:00Z"},
    "renewal_cancelled": {"order_id": "ord-2", **ENDING, "refunded": "28.50", "balance_after": "48.50"}
    | {"currency": "USD", "auto_renewal_off": True, "anchor_day": 1, "operator": "o.perez", "reason": "Ordered twice"},
    "extended": {"extension_id": "ext-1", "days": 3, **ENDING, "retained_until": None, "reactivated": False}
    | {"anchor_day": 1, "operator": "o.perez", "reason": "Outage of last week"},
    "quota_exceeded": {"protection_mode": "full", "servers": {"registered": 5, "quota": 3}, "cores": None},
    "quota_restored": {"protection_mode": "full", "servers": {"registered": 3, "quota": 3}, "cores": None},
    "contact_changed": {"contact": CONTACT},
    "imported": {
        "import_id": "imp-1",
        "contact": CONTACT,
        "anchor_day": 1,
        "terms": [TERM],
        "specification": SPECIFICATION,
    }
    | {**ENDING, "state": "active", "retained_until": None, "auto_renewal": None}
    | {"declined": False, "quota_exceeded": False},
    "renewal_declined": {},
    "recipients_changed": {"recipients": []},
    "erased": {"operator": "o.perez", "reason": "ticket 4712"},
    "order_rejected": {"order_id": "ord-9", "order_type": "tenure.renewal.ordered.v1", "code": "not_subscribed"}
    | {"message": "There is no subscription.", "required": None, "offered": None, "contact": None},
}


def event(kind: str, account: str, version: int, **data: Any) -> dict[str, Any]:
    """A lifecycle event of this kind, recorded now; `data` replaces or adds fields of its sample."""
    now = datetime.now(UTC).isoformat()
    metadata = {
        "account_id": account,
        "subscription_id": "sub-1",
        "version": version,
        "cause": {"type": "tenure.purchase.ordered.v1", "id": "evt-1"},
        "actor": "user",
    }
    return {
        "specversion": "1.0",
        "id": unused("evt"),
        "source": "/tenure/subscription",
        "type": f"tenure.subscription.{kind}.v1",
        "time": now,
        "subject": account,
        "recordedat": now,
        "data": metadata | dict(DATA[kind]) | data,
    }
