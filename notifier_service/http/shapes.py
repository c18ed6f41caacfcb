"""JSON documents of the operators' HTTP, as the contract names their fields; fields may be added, none renamed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from shared.contracts.outcomes import Channel

DecisionStatus = Literal["queued", "delivered", "failed", "suppressed"]
"""The status of a notification as the contract names it; one that is being sent is `queued`."""


class DecisionDocument(BaseModel):
    """One notification decision. `reason`: the relay's reply, or why it was suppressed.

    `number` rises per account. `under_way`: a process is sending it just now; until that is recorded it is `queued`.
    """

    notification_id: str
    number: int
    account_id: str
    lifecycle_event_id: str
    lifecycle_type: str
    kind: str
    channel: Channel
    status: DecisionStatus
    under_way: bool
    reason: str | None
    attempts: int
    created_at: datetime
    next_attempt_at: datetime | None


class DecisionsDocument(BaseModel):
    """A page, the newest first; `before` is the number to ask for the next page with, null on the last."""

    notifications: Sequence[DecisionDocument]
    before: int | None
