"""JSON documents of the inbox's HTTP, as the contract names their fields; fields may be added, none renamed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, Field

from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.preferences import Preferences
from notifier_service.storage.messages import InboxMessage
from shared.contracts.outcomes import Channel
from shared.contracts.scalars import Id

LONGEST_PAGE: Final = 200


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
    def of(cls, message: InboxMessage) -> Self:
        return cls(
            id=message.message_id,
            kind=message.kind,
            title=message.title,
            body=message.body,
            link=message.link,
            created_at=message.created_at,
            read_at=message.read_at,
        )


def _empty_as_none(value: Any) -> Any:
    return value or None


class InboxQuery(BaseModel):
    """Which messages; `before`: the id of the last message of the page before, or an instant. Empty is as left out."""

    unread: Annotated[bool | None, BeforeValidator(_empty_as_none)] = None
    kind: Annotated[Annotated[str, Field(max_length=64)] | None, BeforeValidator(_empty_as_none)] = None
    before: Annotated[Id | None, BeforeValidator(_empty_as_none)] = None
    limit: int = Field(default=50, ge=1, le=LONGEST_PAGE)


class Unread(BaseModel):
    """How many messages of the inbox are unread."""

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
    """All channels that are switched off; every other one is on."""

    muted: Sequence[Muted] = Field(max_length=len(CHANNELS) * len(Channel))

    @property
    def preferences(self) -> Preferences:
        """As the domain has them, not validated yet."""
        return Preferences(frozenset((one.kind, one.channel) for one in self.muted))


class PreferencesDocument(PreferencesUpdate):
    """What is switched off, and what can be."""

    kinds: Sequence[Kind]

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        muted = [Muted(kind=kind, channel=channel) for kind, channel in sorted(preferences.muted)]
        kinds = [Kind(kind=kind, channels=channels, protected=kind in PROTECTED) for kind, channels in CHANNELS.items()]
        return cls(muted=muted, kinds=kinds)
