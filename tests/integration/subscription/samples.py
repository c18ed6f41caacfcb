"""What tests with a copy of their own send: orders of the Advanced edition, from the last day of January on."""

from datetime import UTC, datetime
from typing import Any, Final

from tests.kit.events import CONTACT, FULL

BEGINS: Final = datetime(2026, 1, 31, 1, tzinfo=UTC)
"""Where the clock of the fixture `service` begins: 09:00 on 31 January in the billing zone."""


def specification(edition: str = "advanced", servers: int = 3, **changes: Any) -> dict[str, Any]:
    """Full mode, by default three servers and 100 GB for anti-ransomware."""
    usual = {"edition": edition, "protected_servers": servers, "cores": 0}
    return FULL | usual | {"value_added": {"anti_ransomware_gb": 100}} | changes


def purchase(order_id: str = "p-1", **changes: Any) -> dict[str, Any]:
    """The data of a purchase of one month, for `World.send`."""
    order = {"order_id": order_id, "contact": CONTACT, "specification": specification(), "duration_months": 1}
    return order | {"auto_renewal": False, "terms_accepted": True} | changes
