"""The documents of the notifier's HTTP, as the contract names their fields; more may be added, none renamed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field

from notifier_service.decisions.plan import CHANNELS, PROTECTED, Preferences
from shared.contracts.outcomes import Channel
from shared.contracts.scalars import Id

LONGEST_PAGE: Final = 200
DecisionStatus = Literal["queued", "delivered", "failed", "suppressed"]
"""How a decision stands, as the contract names it."""


class Message(BaseModel):
    """One internal message. `body` is plain text; `read_at` is null while it is unread."""

    id: str
    kind: str
    title: str
    body: str
    link: str | None
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row of `messages`."""
        return cls(
            id=row.message_id,
            kind=row.kind,
            title=row.title,
            body=row.body,
            link=row.link,
            created_at=row.created_at,
            read_at=row.read_at,
        )


def _left_open(value: Any) -> Any:
    return value or None


class InboxQuery(BaseModel):
    """Which messages; `before` is the id of the last message of the page before, or an instant."""

    unread: Annotated[bool | None, BeforeValidator(_left_open)] = None
    kind: Annotated[Annotated[str, Field(max_length=64)] | None, BeforeValidator(_left_open)] = None
    before: Annotated[Id | None, BeforeValidator(_left_open)] = None
    limit: int = Field(default=50, ge=1, le=LONGEST_PAGE)


class Unread(BaseModel):
    unread: int


class Inbox(Unread):
    """A page, the newest first; `unread` counts the whole inbox."""

    messages: Sequence[Message]


class Muted(BaseModel):
    """A channel that is switched off for a kind."""

    kind: str = Field(examples=["renewed"])
    channel: Channel


class Kind(BaseModel):
    """A kind of notification and its channels; a protected one keeps at least one of them."""

    kind: str
    channels: Sequence[Channel]
    protected: bool


class PreferencesUpdate(BaseModel):
    """All that is switched off; what is not named is on."""

    muted: Sequence[Muted] = Field(max_length=len(CHANNELS) * len(Channel))

    @property
    def preferences(self) -> Preferences:
        return Preferences(frozenset((one.kind, one.channel) for one in self.muted))


class PreferencesDocument(PreferencesUpdate):
    """What is switched off, and what could be."""

    kinds: Sequence[Kind]

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        muted = [Muted(kind=kind, channel=channel) for kind, channel in sorted(preferences.muted)]
        kinds = [Kind(kind=kind, channels=channels, protected=kind in PROTECTED) for kind, channels in CHANNELS.items()]
        return cls(muted=muted, kinds=kinds)


class DecisionDocument(BaseModel):
    """One notification decision, for operators. `reason`: the relay's reply, or why it was suppressed.

    `under_way`: a process has it in hand just now; it counts as queued until its end is recorded.
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
    """A page, the newest first; `before` is the number to ask the next page with, null on the last."""

    notifications: Sequence[DecisionDocument]
    before: int | None
