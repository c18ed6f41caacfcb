"""Emails that are sent once more: a new notification of the same event, queued like any other, that names the old one.

The caller holds the lock of the account's recipient, since rows of an account are inserted under it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from notifier_service.storage.notifications import NotificationRow
from shared.storage.bulk import Bulk
from shared.storage.database import Connection


class Resend(NamedTuple):
    """`resend_of`: the notification whose event is told again; `event`: that event's envelope as JSON.

    `recipient`: the masked address; `recipient_id` as of a notification; `operator`: who asked for it, or None.
    """

    notification_id: str
    resend_of: str
    event: bytes
    recipient: str | None
    recipient_id: str | None
    operator: str | None


_KEPT: Final = (
    *("account_id", "lifecycle_event_id", "lifecycle_type", "version", "kind", "channel"),
    *("traceparent", "event_time", "code"),
)
"""The columns that are those of the old notification."""
_ADD = Bulk(
    NotificationRow,
    f"INSERT INTO notification ({', '.join((*Resend._fields, *_KEPT))}, status, attempts, created_at, next_attempt_at)"
    f" SELECT {', '.join(f'n.{name}' for name in Resend._fields)}, {', '.join(f'old.{name}' for name in _KEPT)},"
    " 'queued', 0, :at, :now FROM {rows} JOIN notification AS old ON old.notification_id = n.resend_of"
    " ON CONFLICT DO NOTHING RETURNING notification_id",
    Resend._fields,
)
_COUNT = text("SELECT count(*) FROM notification WHERE resend_of = :notification_id")
_RECIPIENT = text("SELECT recipient, recipient_id FROM notification WHERE notification_id = :notification_id")


async def add(connection: Connection, resends: Sequence[Resend], *, at: datetime) -> set[str]:
    """Queue them, due at once; the ids of those that did not exist before. `at`: on the service clock."""
    found = await _ADD.fetch(connection, [one._asdict() for one in resends], at=at, now=at)
    return {notification_id for (notification_id,) in found}


async def recipient_of(connection: Connection, notification_id: str) -> Any:
    """`recipient` (masked) and `recipient_id` of a notification that exists."""
    return (await connection.execute(_RECIPIENT, {"notification_id": notification_id})).one()


async def count(connection: Connection, notification_id: str) -> int:
    """How often an email was sent once more."""
    return int((await connection.execute(_COUNT, {"notification_id": notification_id})).scalar_one())
