"""What is not told while Tenure runs beside another system that still tells its customers (`TENURE_DELIVERY`). Pure.

Everything is decided and recorded all the same, so that both can be compared (`tenure why --csv`).
"""

from collections.abc import Mapping
from typing import Final, Literal

from shared.contracts.outcomes import Channel

DeliveryMode = Literal["on", "inbox", "shadow"]
"""`on`: everything is told. `inbox`: no emails. `shadow`: nobody is told anything."""

SHADOW: Final = "shadow"
"""The reason of what is held back."""

_HELD_BACK: Final[Mapping[DeliveryMode, frozenset[Channel]]] = {
    "on": frozenset(),
    "inbox": frozenset({Channel.EMAIL}),
    "shadow": frozenset(Channel),
}


def why_held_back(channel: Channel, mode: DeliveryMode) -> str | None:
    """The reason for which a notification on this channel is suppressed, or None."""
    return SHADOW if channel in _HELD_BACK[mode] else None
