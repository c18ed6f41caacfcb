"""What is known of emails that came back: the columns `bounce`, `bounce_detail` and `address_hash` of `notification`.

Invariant: a report is recorded where it says more than the one before, so the same one acts once.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text

from notifier_service.decisions.bounce import Bounce, BounceKind
from notifier_service.decisions.notification import NotificationStatus
from notifier_service.storage.notifications import IDENTITY, NotificationRow
from shared.storage.bulk import Bulk
from shared.storage.columns import Selection
from shared.storage.database import Connection

_READ = Selection(NotificationRow, *IDENTITY, "kind", "attempts", "address_hash", "recipient", "bounce")
_RANKS = f"CAST(ARRAY[{', '.join(repr(kind.value) for kind in BounceKind)}] AS text[])"
_RECORD = Bulk(
    NotificationRow,
    "UPDATE notification SET bounce = n.bounce, bounce_detail = n.bounce_detail,"
    " status = CASE WHEN notification.status IN ('delivered', 'bounced') THEN n.status ELSE notification.status END"
    " FROM {rows} WHERE notification.notification_id = n.notification_id"
    f" AND coalesce(array_position({_RANKS}, notification.bounce), 0) < array_position({_RANKS}, n.bounce)"
    f" RETURNING {', '.join(f'notification.{name}' for name in _READ.names)}",
    ("notification_id", "bounce", "bounce_detail", "status"),
)
_FIND = text(
    "SELECT account_id, channel, status, attempts, recipient_id FROM notification"
    " WHERE notification_id = :notification_id"
)
_ENDED = ", ".join(repr(kind.value) for kind in BounceKind if kind.outcome)
_RETURNED_BEFORE = text(
    "SELECT DISTINCT account_id, address_hash FROM notification AS reported"
    f" JOIN notification AS other USING (account_id, address_hash) WHERE other.bounce IN ({_ENDED})"
    "  AND reported.notification_id = ANY(CAST(:ids AS text[]))"
)
_LATEST_TO = text(
    "SELECT notification_id FROM notification WHERE address_hash = :address_hash ORDER BY number DESC LIMIT 1"
)


async def find(connection: Connection, notification_id: str) -> Any | None:
    """`account_id`, `channel`, `status`, `attempts` and `recipient_id` of a notification; None where there is none."""
    return (await connection.execute(_FIND, {"notification_id": notification_id})).first()


async def latest_to(connection: Connection, address_hash: str) -> str | None:
    """The id of the email that was sent to this address last; None where none is known."""
    found: str | None = (await connection.execute(_LATEST_TO, {"address_hash": address_hash})).scalar_one_or_none()
    return found


async def returned_before(connection: Connection, notification_ids: Sequence[str]) -> set[tuple[str, str]]:
    """(Account id, hash of the address) of those of these emails whose account had one come back from there before."""
    if not notification_ids:
        return set()
    return {(*row,) for row in await connection.execute(_RETURNED_BEFORE, {"ids": list(notification_ids)})}


async def record(connection: Connection, bounces: Sequence[Bounce]) -> list[Any]:
    """Store reports; of those that say something new, the columns of `IDENTITY`, `kind`, `attempts`, `address_hash`,
    `recipient` and `bounce`.
    """
    rows = [_row(bounce) for bounce in sorted(bounces, key=lambda one: one.notification_id)]
    return list(_READ.rows(await _RECORD.fetch(connection, rows)))


def _row(bounce: Bounce) -> dict[str, object]:
    status = bounce.kind.outcome or NotificationStatus.DELIVERED.value
    return {
        "notification_id": bounce.notification_id,
        "bounce": bounce.kind.value,
        "bounce_detail": bounce.detail,
        "status": status,
    }
