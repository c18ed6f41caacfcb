"""The policy by which every `account.next_due_at` was worked out: one row, or none before the first start."""

from sqlalchemy import text

from shared.storage.database import Connection
from shared.storage.tables import TextKey
from subscription_service.storage.metadata import SubscriptionTable


class AppliedPolicyRow(SubscriptionTable, table=True):
    """`fingerprint`: of the policy's values."""

    __tablename__ = "applied_policy"
    fingerprint: TextKey


_READ = text("SELECT fingerprint FROM applied_policy")
_LOCK = text("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('policy'))")
_DELETE = text("DELETE FROM applied_policy")
_INSERT = text("INSERT INTO applied_policy (fingerprint) VALUES (:fingerprint)")


async def read(connection: Connection) -> str | None:
    """The fingerprint, None before the first start."""
    found: str | None = (await connection.execute(_READ)).scalar_one_or_none()
    return found


async def replace(connection: Connection, fingerprint: str) -> None:
    """Set it; copies do so one after another."""
    await connection.execute(_LOCK)
    await connection.execute(_DELETE)
    await connection.execute(_INSERT, {"fingerprint": fingerprint})
