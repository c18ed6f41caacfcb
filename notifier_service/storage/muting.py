"""Muting the kind of an email for whom it went to: the contact's preference, or a further recipient's row (R52)."""

from notifier_service.storage import preferences, unsubscriptions
from notifier_service.storage.notifications import SentEmail
from shared.contracts.outcomes import Channel
from shared.storage.database import Connection


async def mute(connection: Connection, sent: SentEmail) -> None:
    """No further email of its kind; a second time changes nothing."""
    if sent.recipient_id is None:
        await preferences.mute(connection, sent.account_id, sent.kind, Channel.EMAIL)
    else:
        await unsubscriptions.add(connection, sent.account_id, sent.recipient_id, sent.kind)


async def unmute(connection: Connection, sent: SentEmail) -> None:
    """Emails of its kind again."""
    if sent.recipient_id is None:
        await preferences.unmute(connection, sent.account_id, sent.kind, Channel.EMAIL)
    else:
        await unsubscriptions.remove(connection, sent.account_id, sent.recipient_id, sent.kind)
