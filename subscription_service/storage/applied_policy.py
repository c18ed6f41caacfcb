"""The policy by which every `account.next_due_at` is worked out: one row, or none before the first start."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import text
from sqlmodel import Field

from shared.storage.database import Connection
from shared.storage.tables import TextDocument, TextKey
from subscription_service.storage.metadata import SubscriptionTable


class AppliedPolicyRow(SubscriptionTable, table=True):
    """`fingerprint`: of the policy's values. `earlier`: see `policy_files.earlier`. `is_done`: whether all accounts are
    timed by it.
    """

    __tablename__ = "applied_policy"
    fingerprint: TextKey
    earlier: TextDocument
    is_done: bool = Field(sa_column_kwargs={"server_default": text("true")})


class AppliedPolicy(NamedTuple):
    """The row."""

    fingerprint: str
    earlier: Sequence[Any]
    is_done: bool


_LOCK: Final = text("SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('policy'))")
_READ: Final = text("SELECT fingerprint, CAST(earlier AS text), is_done FROM applied_policy")
_DELETE: Final = text("DELETE FROM applied_policy")
_INSERT: Final = text(
    "INSERT INTO applied_policy (fingerprint, earlier, is_done) VALUES (:fingerprint, CAST(:earlier AS json), :is_done)"
)
_DONE: Final = text("UPDATE applied_policy SET is_done = true WHERE fingerprint = :fingerprint")


async def lock(connection: Connection) -> AppliedPolicy | None:
    """The row, None before the first start. Until the transaction ends every other copy waits here."""
    await connection.execute(_LOCK)
    for fingerprint, earlier, is_done in await connection.execute(_READ):
        return AppliedPolicy(fingerprint, orjson.loads(earlier or "[]"), is_done)
    return None


async def replace(connection: Connection, applied: AppliedPolicy) -> None:
    """Store it in place of the one before."""
    await connection.execute(_DELETE)
    values = applied._asdict() | {"earlier": orjson.dumps(applied.earlier).decode()}
    await connection.execute(_INSERT, values)


async def mark_done(connection: Connection, fingerprint: str) -> None:
    """All accounts are timed by the policy with this fingerprint, where it is still the one that is applied."""
    await connection.execute(_DONE, {"fingerprint": fingerprint})
