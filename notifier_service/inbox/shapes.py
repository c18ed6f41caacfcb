"""JSON documents of the inbox's HTTP, as the contract names their fields. Fields may be added, none renamed."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from notifier_service.decisions.channels import CHANNELS, PROTECTED
from notifier_service.decisions.preferences import Preferences
from notifier_service.storage.messages import InboxMessage
from shared.contracts.fields import described
from shared.contracts.outcomes import Channel
from shared.web.list_query import ListQuery

LONGEST_PAGE: Final = 200
LONGEST_SEARCH: Final = 100
_ID_OR_INSTANT: Final = r"^[A-Za-z0-9._:+-]{1,128}$"
"""An id, or an instant, whose offset may have a `+`."""
Kind = Annotated[str, described("Short name of a lifecycle type.", "renewed")]


class Message(BaseModel):
    """One internal message."""

    id: Annotated[
        str, described("Id of the message, which is that of its notification.", "ntf-0123456789abcdef01234567")
    ]
    kind: Kind
    title: Annotated[str, described("Title, in the recipient's language.", "Your subscription was renewed")]
    body: Annotated[str, Field(description="Plain text in paragraphs, separated by empty lines.")]
    link: Annotated[str | None, Field(description="Where the message leads; null without a link.")]
    created_at: Annotated[AwareDatetime, described("When it was stored, on the service clock.", "2026-02-21T02:00:00Z")]
    read_at: Annotated[
        AwareDatetime | None,
        described("When it was read, on the service clock; null while unread.", "2026-02-21T09:30:00Z"),
    ]
    archived_at: Annotated[
        AwareDatetime | None,
        described("When it was archived, on the service clock; null while it is in the list.", "2026-02-22T09:30:00Z"),
    ]

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
            archived_at=message.archived_at,
        )


class InboxQuery(ListQuery):
    """Which messages. An empty parameter counts as left out."""

    unread: Annotated[bool | None, described("Only unread messages.", True)] = None
    archived: Annotated[bool | None, described("The archived messages instead of the list.", True)] = None
    kind: Annotated[Annotated[str, Field(max_length=64)] | None, described("Only this kind.", "renewed")] = None
    search: Annotated[
        Annotated[str, Field(max_length=LONGEST_SEARCH), AfterValidator(str.strip)] | None,
        described("Only messages with this text in title or body, in any case of letters.", "ord-2026-0042"),
    ] = None
    before: Annotated[
        Annotated[str, Field(pattern=_ID_OR_INSTANT)] | None,
        Field(description="Only older messages: the `id` of the last message of the page before, or an instant."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE), described("Messages on a page, at most.", 50)] = 50


class Unread(BaseModel):
    """How much of the inbox is unread."""

    unread: Annotated[int, described("Unread messages of the whole inbox.", 3)]


class Inbox(Unread):
    """A page of the inbox."""

    messages: Annotated[Sequence[Message], Field(description="The newest first.")]


class Muted(BaseModel):
    """A channel that is switched off for a kind."""

    kind: Kind
    channel: Channel


class KindChannels(BaseModel):
    """A kind of notification and its channels."""

    kind: Kind
    channels: Annotated[Sequence[Channel], Field(description="The channels on which it makes a notification.")]
    protected: Annotated[bool, described("Whether at least one of the channels has to stay on.", False)]


class PreferencesUpdate(BaseModel):
    """The preferences of a recipient, replaced as a whole."""

    muted: Annotated[
        Sequence[Muted],
        Field(max_length=len(CHANNELS) * len(Channel)),
        Field(description="All channels that are switched off; every other one is on."),
    ]

    @property
    def preferences(self) -> Preferences:
        """As the domain has them, not validated yet."""
        return Preferences(frozenset((one.kind, one.channel) for one in self.muted))


class PreferencesDocument(PreferencesUpdate):
    """What is switched off, and what can be."""

    kinds: Annotated[Sequence[KindChannels], Field(description="All kinds of notifications.")]

    @property
    def entity_tag(self) -> str:
        """The same as long as the same is switched off (RFC 9110, 8.8.3), whoever asks."""
        muted = " ".join(f"{one.kind}:{one.channel}" for one in self.muted)
        return f'"{blake2b(muted.encode(), digest_size=8).hexdigest()}"'

    @classmethod
    def of(cls, preferences: Preferences) -> Self:
        return cls(
            muted=[Muted(kind=kind, channel=channel) for kind, channel in sorted(preferences.muted)],
            kinds=[
                KindChannels(kind=kind, channels=channels, protected=kind in PROTECTED)
                for kind, channels in CHANNELS.items()
                if channels
            ],
        )
