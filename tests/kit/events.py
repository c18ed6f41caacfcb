"""Sample events as they stand on the wire: dictionaries of JSON, with ids that no other event has."""

import itertools
import uuid
from datetime import UTC, datetime
from typing import Any, Final

START: Final = datetime(2026, 1, 5, tzinfo=UTC)
"""Where the test clock begins, unless a test says otherwise."""
CONTACT: Final = {"name": "Ann", "email": "ann@example.com", "locale": "en", "time_zone": "UTC"}
FINANCE: Final = {
    "recipient_id": "finance",
    "name": "Accounts payable",
    "email": "payable@example.org",
    "locale": "zh-CN",
    "time_zone": "Asia/Shanghai",
    "kinds": ["renewed", "quota_exceeded"],
}
"""A further recipient."""
FULL: Final[dict[str, Any]] = {
    "edition": "enterprise",
    "protection_mode": "full",
    "protected_servers": 3,
    "cores": 12,
    "value_added": {},
}
"""A specification in full mode: three servers."""
PARTIAL: Final = FULL | {"protection_mode": "partial", "protected_servers": 2, "cores": 4}
"""A specification in partial mode: two servers, four cores."""
_PROCESS: Final = uuid.uuid4().hex[:6]
_NUMBERS: Final = itertools.count()


def account() -> str:
    """An account that no other test has."""
    return unused("acct")


def unused(kind: str) -> str:
    """An id that nothing else has. Of a kind, later ones sort behind earlier ones: rows come in one order each time."""
    return f"{kind}-{_PROCESS}{next(_NUMBERS):06}"


def event(type_: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    """An event in of this type (without `tenure.` and `.v1`); `data` has its `account_id`."""
    return {
        "specversion": "1.0",
        "id": unused("evt"),
        "source": "/tests",
        "type": f"tenure.{type_}.v1",
        "time": at.isoformat(),
        "subject": data["account_id"],
        "data": data,
    }


def purchase(account_id: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    """A purchase of one month in partial mode, without automatic renewal."""
    order = {"order_id": unused("ord"), "contact": CONTACT, "specification": PARTIAL, "duration_months": 1}
    terms = {"auto_renewal": False, "terms_accepted": True}
    return event("purchase.ordered", at, account_id=account_id, **{**order, **terms, **data})


def renewal(account_id: str, at: datetime = START, **data: Any) -> dict[str, Any]:
    """A manual renewal for one month."""
    order = {"order_id": unused("ord"), "duration_months": 1, "terms_accepted": True}
    return event("renewal.ordered", at, account_id=account_id, **{**order, **data})


def recipients_changed(account_id: str, at: datetime = START, *recipients: dict[str, Any]) -> dict[str, Any]:
    """A list of further recipients; without any named, the accountants alone."""
    return event("account.recipients_changed", at, account_id=account_id, recipients=recipients or (FINANCE,))


def credit(account_id: str, amount: str, **data: Any) -> dict[str, Any]:
    """A payment into the account's balance, in US dollars."""
    entry = {"entry_id": unused("entry"), "currency": "USD"}
    return event("account.credited", account_id=account_id, amount=amount, **{**entry, **data})
