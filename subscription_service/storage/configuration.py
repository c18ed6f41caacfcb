"""Retained configuration: one row per entry, newest per key, until release (R32, R37)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import orjson
from sqlalchemy import text

from shared.contracts.envelope import json_reader, to_json
from shared.contracts.lifecycle import Released
from shared.contracts.types import ConfigurationKind
from shared.storage.bulk import Bulk, Row, upsert
from shared.storage.columns import Selection
from shared.storage.database import Connection
from shared.storage.tables import Document, Text, TextKey
from subscription_service.domain.model import ConfigurationEntry, VersionStamp
from subscription_service.outbox_entries import EmittedEvent
from subscription_service.storage.account_range import IN_RANGE, AccountRange
from subscription_service.storage.metadata import SubscriptionTable
from subscription_service.unit_of_work import LockedAccount


class ConfigurationRow(SubscriptionTable, table=True):
    """A removed entry stays, not `present` and without a value, so that an older event cannot bring it back.

    `mark`: its version stamp as JSON, `[time, source, id]`.
    """

    __tablename__ = "configuration"
    account_id: TextKey
    kind: TextKey
    key: TextKey
    value: Document
    present: bool
    mark: Text


ConfigurationEntries: TypeAlias = Mapping[str, dict[tuple[ConfigurationKind, str], ConfigurationEntry]]
"""Account id -> kind and key -> entry."""

_read_stamp = json_reader(VersionStamp)
_READ = Selection(ConfigurationRow)
_SOME = Bulk(
    ConfigurationRow,
    "SELECT {columns} FROM configuration JOIN {rows} USING ({names})",
    ("account_id", "kind", "key"),
    reads=_READ,
)
_SAVE = upsert(ConfigurationRow)
_DELETE = text("DELETE FROM configuration WHERE account_id = ANY(:ids)")
_PRESENT = text(
    "SELECT key, CAST(value AS text) FROM configuration WHERE account_id = :id AND kind = :kind AND present"
    " ORDER BY key"
)
_COUNTS = text(
    f"SELECT account_id, kind, count(*) FROM configuration WHERE present AND {IN_RANGE} GROUP BY account_id, kind"
)


async def some(connection: Connection, keys: Iterable[tuple[str, ConfigurationKind, str]]) -> ConfigurationEntries:
    """Those of these entries (account id, kind, key) that have a row."""
    rows = [{"account_id": account_id, "kind": kind, "key": key} for account_id, kind, key in sorted(keys)]
    entries: defaultdict[str, dict[tuple[ConfigurationKind, str], ConfigurationEntry]] = defaultdict(dict)
    for row in await _SOME.fetch(connection, rows):
        entries[row.account_id][ConfigurationKind(row.kind), row.key] = _entry(row)
    return entries


async def save(connection: Connection, changed: Iterable[LockedAccount], emitted: Iterable[EmittedEvent]) -> None:
    """Delete everything of released subscriptions, then store the entries that differ from what was loaded."""
    released = [event.account_id for event in emitted if isinstance(event.data, Released)]
    if released:
        await connection.execute(_DELETE, {"ids": released})
    rows = [
        _row(locked.account.account_id, kind, key, entry)
        for locked in changed
        for (kind, key), entry in locked.account.configuration.items()
        if entry is not locked.before.configuration.get((kind, key))
    ]
    await _SAVE.run(connection, rows)


async def present(connection: Connection, account_id: str, kind: ConfigurationKind) -> Sequence[tuple[str, Any]]:
    """Key and value of each entry of a kind, by key."""
    found = await connection.execute(_PRESENT, {"id": account_id, "kind": kind.value})
    return [(key, orjson.loads(value)) for key, value in found]


async def counts(connection: Connection, accounts: AccountRange) -> dict[tuple[str, ConfigurationKind], int]:
    """(account id, kind) -> number of entries that are present."""
    found = await connection.execute(_COUNTS, accounts._asdict())
    return {(account_id, ConfigurationKind(kind)): count for account_id, kind, count in found}


def _entry(row: Any) -> ConfigurationEntry:
    return ConfigurationEntry(
        value=orjson.loads(row.value) if row.value is not None else None,
        present=row.present,
        stamp=_read_stamp(row.mark),
    )


def _row(account_id: str, kind: ConfigurationKind, key: str, entry: ConfigurationEntry) -> Row:
    return {
        "account_id": account_id,
        "kind": kind,
        "key": key,
        "value": orjson.dumps(entry.value).decode() if entry.present else None,
        "present": entry.present,
        "mark": to_json(entry.stamp).decode(),
    }
