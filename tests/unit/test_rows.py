"""What a row holds is what was stored: accounts, servers and settings come back as they were."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.types import ConfigurationKind, Contact, Feature
from subscription_service.domain.model import (
    Account,
    CapacityUse,
    ConfigurationEntry,
    Released,
    Server,
    ServerTotals,
    VersionStamp,
)
from subscription_service.storage import rows

LATER = VersionStamp(datetime(2026, 2, 1, 8, 30, 0, 250_000, tzinfo=UTC), "/assets?zone=a", "evt-2")
EARLIER = VersionStamp(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), "/assets", "evt-1")
PLAIN = Account(account_id="acct-1")
FULL = PLAIN._replace(
    version=3,
    decided_at=LATER.time,
    contact=Contact(name='Lin "\u6797" Wei', email="lin@example.com", locale="zh-CN", time_zone="Asia/Shanghai"),
    subscription=Released(subscription_id="sub-1", released_at=EARLIER.time),
    balance=Decimal("9.50"),
    registered=ServerTotals(4, 64),
    bound=ServerTotals(1, 16),
    capacity={Feature.ANTI_RANSOMWARE_GB: CapacityUse(12, LATER)},
    retained={ConfigurationKind.TAG: 2},
    snapshot_stamp=EARLIER,
    configuration_floor=LATER.time,
)


def row_of(account: Account, before: Account = PLAIN) -> tuple[Any, ...]:
    """As PostgreSQL gives it back, in the order of `ACCOUNT_COLUMNS`."""
    texts = rows.texts_of(account, before=before)
    figures = (account.balance, *account.registered, *account.bound)
    return account.account_id, account.version, account.decided_at, *texts[:2], *figures, texts.facts


@pytest.mark.parametrize("account", [PLAIN, FULL], ids=["plain", "full"])
def test_an_account_comes_back_as_it_was_stored(account: Account) -> None:
    assert rows.account_of(row_of(account)) == account


def test_one_fact_alone_is_enough_to_be_stored() -> None:
    only = PLAIN._replace(snapshot_stamp=LATER)
    assert rows.account_of(row_of(only)) == only
    only = PLAIN._replace(configuration_floor=LATER.time)
    assert rows.account_of(row_of(only)) == only


def test_the_last_setting_that_goes_is_written_too() -> None:
    """A document that is not written stays as it was, so one with nothing left in it has to be written."""
    kept = PLAIN._replace(retained={ConfigurationKind.TAG: 1})
    gone = kept._replace(retained={ConfigurationKind.TAG: 0})
    assert rows.account_of(row_of(gone, before=kept)).retained == {ConfigurationKind.TAG: 0}
    assert rows.texts_of(gone, before=kept).facts is not None


def test_documents_that_did_not_change_are_not_written() -> None:
    assert rows.texts_of(FULL._replace(version=4), before=FULL) == (None, None, None)


@pytest.mark.parametrize(
    "server",
    [
        Server("srv-1"),
        Server("srv-1", cores=8, cores_stamp=LATER),
        Server("srv-1", present=True, present_stamp=EARLIER, cores=8, cores_stamp=LATER, bound=True, bound_stamp=LATER),
    ],
    ids=["nothing known", "cores alone", "all three"],
)
def test_a_server_comes_back_with_the_marks_of_its_registers(server: Server) -> None:
    row = ("acct-1", server.server_id, server.present, server.cores, server.bound, rows.server_marks(server))
    assert rows.server_of(row) == server


def test_a_setting_comes_back_with_its_mark() -> None:
    entry = ConfigurationEntry({"a": [1, None]}, True, LATER)
    assert rows.configuration_of('{"a":[1,null]}', True, rows.pack_mark(LATER)) == entry
    removed = ConfigurationEntry(None, False, EARLIER)
    assert rows.configuration_of(None, False, rows.pack_mark(EARLIER)) == removed
