"""Forgetting a person in what the notifier holds: messages, emails, preferences and dead letters of an account (R48).

Contact and further recipients go with the row of `recipient`; of a suppressed address the hash stays, and no word whose
it is. Decisions stay, without the masked address. An email that is leased ends as its delivery does; should it have to
wait again, it is suppressed then. Each statement is about a bounded number of rows, found by their account.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import text

from notifier_service.decisions.notification import Notification, NotificationStatus
from notifier_service.decisions.outdated import ERASED
from notifier_service.decisions.preferences import Preferences
from notifier_service.storage import kept_mails, preferences, unsubscriptions
from notifier_service.storage.notifications import IDENTITY, NotificationRow, notification_of
from shared.contracts.forgetting import without_person
from shared.contracts.topics import NOTIFICATION_DEAD_LETTERS
from shared.outbox.dead_letters import empty_dead_letters
from shared.storage.bulk import Bulk, Row
from shared.storage.columns import Selection
from shared.storage.database import Connection

_AT_ONCE: Final = 2_000
_READ = Selection(NotificationRow, *IDENTITY, "attempts", "number", "status", "reason", "event")
_NEXT = text(
    f"SELECT {_READ.sql} FROM notification WHERE account_id = :account_id AND number > :after"
    " AND (status IN ('queued', 'sending') OR recipient IS NOT NULL) ORDER BY number LIMIT :limit FOR UPDATE"
)
_FORGET = Bulk(
    NotificationRow,
    "UPDATE notification SET status = n.status, reason = n.reason, event = n.event, recipient = NULL,"
    " address_hash = NULL,"
    " next_attempt_at = CASE WHEN n.status = 'sending' THEN notification.next_attempt_at END"
    " FROM {rows} WHERE notification.notification_id = n.notification_id",
    ("notification_id", "status", "reason", "event"),
)
_UNLINK_ADDRESSES = text(
    "UPDATE suppression SET notification_id = NULL FROM notification"
    " WHERE suppression.notification_id = notification.notification_id AND notification.account_id = :account_id"
)
_DELETE_MESSAGES = text(
    "DELETE FROM message WHERE message_id IN"
    " (SELECT message_id FROM message WHERE account_id = :account_id ORDER BY number LIMIT :limit)"
)


class EndedEmail(NamedTuple):
    """The notification of an email that waited and is sent no more, with its number of attempts."""

    notification: Notification
    attempts: int


async def forget(connection: Connection, account_id: str) -> list[EndedEmail]:
    """Forget the person behind an account; the emails that waited, which end with it."""
    await preferences.replace(connection, account_id, Preferences())
    await unsubscriptions.forget(connection, account_id)
    await _delete_messages(connection, account_id)
    await kept_mails.forget(connection, account_id)
    await connection.execute(_UNLINK_ADDRESSES, {"account_id": account_id})
    await empty_dead_letters(connection, NOTIFICATION_DEAD_LETTERS, account_id)
    return await _forget_emails(connection, account_id)


async def _delete_messages(connection: Connection, account_id: str) -> None:
    arguments = {"account_id": account_id, "limit": _AT_ONCE}
    while (await connection.execute(_DELETE_MESSAGES, arguments)).rowcount == _AT_ONCE:
        pass


async def _forget_emails(connection: Connection, account_id: str) -> list[EndedEmail]:
    ended: list[EndedEmail] = []
    after = 0
    while True:
        found = await _forget_next(connection, account_id, after)
        waited = [row for row in found if row.status == NotificationStatus.QUEUED]
        ended += [EndedEmail(notification_of(row), row.attempts) for row in waited]
        if len(found) < _AT_ONCE:
            return ended
        after = found[-1].number


async def _forget_next(connection: Connection, account_id: str, after: int) -> Sequence[Any]:
    """The next emails, as they were."""
    arguments = {"account_id": account_id, "after": after, "limit": _AT_ONCE}
    found = list(_READ.rows(await connection.execute(_NEXT, arguments)))
    await _FORGET.run(connection, [_forgotten(row) for row in found])
    return found


def _forgotten(row: Any) -> Row:
    kept = {"notification_id": row.notification_id, "status": row.status, "reason": row.reason, "event": None}
    if row.status == NotificationStatus.QUEUED:
        return {**kept, "status": NotificationStatus.SUPPRESSED.value, "reason": ERASED}
    if row.status == NotificationStatus.SENDING:
        return {**kept, "event": without_person(row.event)}
    return kept
