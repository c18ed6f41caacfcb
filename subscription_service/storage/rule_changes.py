"""What the data were made with: one row per change of policy or catalog, the first start included; none is deleted.

The last row holds the rules in force. Copies agree on it by an advisory lock that each copy that runs holds as shared;
see `subscription_service.rules_in_force`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import orjson
from sqlalchemy import DateTime, text
from sqlmodel import Field

from shared.storage.database import Connection
from shared.storage.tables import BigIntegerKey, Document, Text
from subscription_service.policy_files.comparison import RuleDocument, fingerprint
from subscription_service.storage.metadata import SubscriptionTable


class RuleChangeRow(SubscriptionTable, table=True):
    """`changed_at`: real time. `document`: all values of both files. `changes`: in words, one line each; empty in the
    first row. `accepted`: whether the change needed `TENURE_ACCEPT_POLICY_CHANGE`.
    """

    __tablename__ = "rule_change"
    id: BigIntegerKey
    changed_at: datetime = Field(sa_type=DateTime(timezone=True), sa_column_kwargs={"server_default": text("now()")})
    policy_version: Text
    catalog_version: Text
    fingerprint: Text
    document: Document
    changes: Text
    accepted: bool


class Affected(NamedTuple):
    """What a change of currency, zone or grace would concern: numbers of accounts and of unused coupons.

    `balances`: accounts whose balance is not 0; `balance`: the sum of all.
    """

    subscriptions: int
    in_grace: int
    balances: int
    balance: Decimal
    coupons: int


LOCK: Final = "hashtext($1), hashtext('rules')"
"""The advisory lock; $1 is the schema."""
_HAS_TABLE = text("SELECT to_regclass('rule_change') IS NOT NULL")
_IN_FORCE = text("SELECT CAST(document AS text) FROM rule_change ORDER BY id DESC LIMIT 1")
_LATEST_FIRST = text("SELECT CAST(document AS text) FROM rule_change ORDER BY id DESC")
_ADD = text(
    "INSERT INTO rule_change (policy_version, catalog_version, fingerprint, document, changes, accepted)"
    " VALUES (:policy_version, :catalog_version, :fingerprint, CAST(:document AS jsonb), :changes, :accepted)"
)
_AFFECTED = text(
    "SELECT count(*) FILTER (WHERE subscription ->> 'state' IN ('active', 'grace')) AS subscriptions,"
    " count(*) FILTER (WHERE subscription ->> 'state' = 'grace') AS in_grace,"
    " count(*) FILTER (WHERE balance <> 0) AS balances, coalesce(sum(balance), 0) AS balance,"
    " (SELECT count(*) FROM coupon WHERE used_by IS NULL AND amount_off IS NOT NULL) AS coupons FROM account"
)


async def has_table(connection: Connection) -> bool:
    """Whether a service of this version, or a later one, has started on this database."""
    there: bool = (await connection.execute(_HAS_TABLE)).scalar_one()
    return there


async def in_force(connection: Connection) -> RuleDocument | None:
    """The rules that the data were made with last; None before the first start."""
    found = (await connection.execute(_IN_FORCE)).scalar_one_or_none()
    return None if found is None else orjson.loads(found)


async def latest_first(connection: Connection) -> list[RuleDocument]:
    """All rules that the data were made with."""
    return [orjson.loads(found) for found in (await connection.execute(_LATEST_FIRST)).scalars()]


async def add(connection: Connection, document: RuleDocument, *, changes: str, accepted: bool) -> None:
    """From now on these are the rules in force."""
    values = {
        "policy_version": document["policy.version"],
        "catalog_version": document["catalog.version"],
        "fingerprint": fingerprint(document),
        "document": orjson.dumps(document).decode(),
    }
    await connection.execute(_ADD, {**values, "changes": changes, "accepted": accepted})


async def affected(connection: Connection) -> Affected:
    """What a change of currency, zone or grace would concern; reads all accounts."""
    [row] = await connection.execute(_AFFECTED)
    return Affected(*row)
