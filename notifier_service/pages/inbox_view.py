"""What the inbox shows: messages with their state and time, and where its links and forms lead. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from notifier_service.content.localizer import Localizer
from notifier_service.inbox.listing import Listing
from notifier_service.inbox.shapes import InboxQuery
from notifier_service.storage.messages import InboxMessage

_URGENT: Final = frozenset(
    {
        *("auto_renewal_failed", "renewal_due", "quota_exceeded", "expired", "release_due", "released"),
        *("order_rejected", "email_bounced"),
    }
)
"""Kinds that ask for something, or tell of a loss: their names stand out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """`stamp` is the short time of the list, `times` says in full when the message came and was read or archived."""

    id: str
    title: str
    kind: str
    urgent: bool
    unread: bool
    archived: bool
    created_at: str
    stamp: str
    times: tuple[str, ...]
    paragraphs: Sequence[str]


def message_view(message: InboxMessage, localizer: Localizer) -> MessageView:
    """A message in its reader's language and zone; its texts are as they were written."""
    return MessageView(
        id=message.message_id,
        title=message.title,
        kind=kind_name(message.kind, localizer),
        urgent=message.kind in _URGENT,
        unread=message.read_at is None,
        archived=message.archived_at is not None,
        created_at=message.created_at.isoformat(),
        stamp=localizer.stamp(message.created_at),
        times=tuple(_times(message, localizer)),
        paragraphs=message.body.split("\n\n"),
    )


def kind_name(kind: str, localizer: Localizer) -> str:
    """As people call it; one that this version does not know, as from a newer copy, by its own name."""
    key = f"kind.{kind}"
    return localizer.text(key) if key in localizer.language.sentences else kind


def _times(message: InboxMessage, localizer: Localizer) -> list[str]:
    said = [("inbox.received", message.created_at), ("inbox.read", message.read_at)]
    said.append(("inbox.archived", message.archived_at))
    return [localizer.text(key, moment=localizer.moment(at)) for key, at in said if at is not None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where links and forms lead: `base` is what stands before `/inbox`, `query` the page that is shown."""

    base: str
    query: InboxQuery

    def page(self, **changes: str | bool | None) -> str:
        """The same page with another filter, from its newest message on."""
        return self._to("/inbox", {**self._asked, "before": None, **changes})

    def act(self, path: str) -> str:
        """Where a form does something and comes back to this page."""
        return self._to(f"/{path}", self._asked)

    @property
    def _asked(self) -> Mapping[str, str | bool | None]:
        return self.query.model_dump(exclude={"limit"})

    def _to(self, path: str, parameters: Mapping[str, str | bool | None]) -> str:
        query = urlencode({name: "1" if value is True else value for name, value in parameters.items() if value})
        return f"{self.base}{path}{f'?{query}' if query else ''}"


def older_than(listing: Listing, query: InboxQuery) -> str | None:
    """Where the next page begins; None where this one is not full."""
    return listing.messages[-1].message_id if len(listing.messages) == query.limit else None
