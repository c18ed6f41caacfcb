"""What a row holds is what was stored: accounts, servers, configuration entries and orders come back as they were."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from msgspec import structs

from shared.contracts.envelope import to_json
from shared.contracts.types import (
    ConfigurationKind,
    Contact,
    Edition,
    Feature,
    FurtherRecipient,
    ProtectionMode,
    Specification,
    Term,
)
from shared.kafka.culprits import Culprits
from subscription_service.domain.model import (
    Account,
    Active,
    AutoRenewal,
    CapacityUse,
    ConfigurationEntry,
    Failure,
    Grace,
    Person,
    Recipients,
    Released,
    Server,
    ServerTotals,
    Subscription,
    VersionStamp,
)
from subscription_service.domain.orders import OrderEntry, OrderType
from subscription_service.domain.policy import Rules
from subscription_service.domain.timers import Timer, TimerKind
from subscription_service.policy_files.catalog import load_catalog
from subscription_service.policy_files.policy import load_policy
from subscription_service.storage import accounts, configuration, orders, servers
from subscription_service.storage.account_documents import subscription_of
from subscription_service.unit_of_work import LockedAccount, UnitOfWork

LATER = VersionStamp(datetime(2026, 2, 1, 8, 30, 0, 250_000, tzinfo=UTC), "/assets?zone=a", "evt-2")
EARLIER = VersionStamp(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC), "/assets", "evt-1")
SPECIFICATION = Specification(
    edition=Edition.ULTIMATE,
    protection_mode=ProtectionMode.PARTIAL,
    protected_servers=3,
    cores=12,
    value_added={Feature.ANTI_RANSOMWARE_GB: 100},
)
TERM = Term(
    order_id="p-1",
    starts_at=EARLIER.time,
    ends_at=LATER.time,
    expires_on=date(2026, 2, 1),
    months=1,
    specification=SPECIFICATION,
)
ACTIVE = Active(
    subscription_id="sub-1",
    anchor_day=31,
    terms=(TERM,),
    auto_renewal=AutoRenewal(cycle_months=3, effective_on=date(2026, 2, 1)),
    attempts=2,
    failure=Failure(next_attempt_at=LATER.time),
    attempts_for_others={date(2026, 3, 1): 1},
)
GRACE = Grace(subscription_id="sub-1", anchor_day=31, terms=(TERM,), retained_until=LATER.time, declined=True)
RELEASED = Released(subscription_id="sub-1", released_at=EARLIER.time)
PLAIN = Account(account_id="acct-1")
FULL = structs.replace(
    PLAIN,
    version=3,
    decided_at=LATER.time,
    contact=Contact(name='Lin "\u6797" Wei', email="lin@example.com", locale="zh-CN", time_zone="Asia/Shanghai"),
    subscription=RELEASED,
    balance=Decimal("9.50"),
    registered=ServerTotals(4, 64),
    bound=ServerTotals(1, 16),
    capacity={Feature.ANTI_RANSOMWARE_GB: CapacityUse(12, LATER)},
    retained={ConfigurationKind.TAG: 2},
    snapshot_stamp=EARLIER,
    configuration_floor=LATER.time,
    person=Person(named=False, stated_at=EARLIER.time, erased_at=LATER.time),
    recipients=Recipients(
        (FurtherRecipient(recipient_id="finance", name="Eva", email="eva@example.com", kinds=("renewed",)),), LATER
    ),
)


def row_of(account: Account, before: Account = PLAIN, **locked: Any) -> dict[str, Any]:
    """What is written for `account`; `locked`: more of what was locked."""
    rules = Rules(policy=load_policy(), catalog=load_catalog())
    unit_of_work = UnitOfWork(now=LATER.time, rules=rules, locked={}, partitions={}, culprits=Culprits())
    return dict(accounts._row(LockedAccount(account, before, partition=1, **{"revision": 1, **locked}), unit_of_work))


def listing(account: Account, *, before: Account, new: bool = False, revision: int = 1) -> tuple[Any, Any]:
    """What is written for the list of accounts."""
    row = row_of(account, before, revision=revision, changed_at=LATER.time if new else None)
    return row["list_group"], row["listed_day"]


def reread(account: Account, before: Account = PLAIN) -> Account:
    """What is read of a row that held `before` and over which `account` was written: NULL keeps what was there."""
    old, new = row_of(before), row_of(account, before)
    return accounts._account(SimpleNamespace(**{name: old[name] if new[name] is None else new[name] for name in new}))


@pytest.mark.parametrize("account", [PLAIN, FULL], ids=["plain", "full"])
def test_an_account_comes_back_as_it_was_stored(account: Account) -> None:
    assert reread(account) == account


@pytest.mark.parametrize("subscription", [ACTIVE, GRACE, RELEASED], ids=["active", "grace", "released"])
def test_a_subscription_comes_back_in_its_state(subscription: Subscription) -> None:
    assert reread(structs.replace(PLAIN, subscription=subscription)).subscription == subscription


@pytest.mark.parametrize("subscription", [ACTIVE, GRACE, RELEASED], ids=["active", "grace", "released"])
def test_a_subscription_is_read_however_its_document_begins(subscription: Subscription) -> None:
    """A migration that rewrites documents writes spaces, and members in another order."""
    document = orjson.loads(row_of(structs.replace(PLAIN, subscription=subscription))["subscription"])
    backwards = dict(reversed(document.items()))
    assert subscription_of(json.dumps(document)) == subscription_of(json.dumps(backwards)) == subscription


def test_one_fact_alone_is_enough_to_be_stored() -> None:
    only = structs.replace(PLAIN, snapshot_stamp=LATER)
    assert reread(only) == only
    only = structs.replace(PLAIN, configuration_floor=LATER.time)
    assert reread(only) == only


def test_facts_of_an_older_version_that_knew_fewer_of_them_are_read() -> None:
    row = {**row_of(PLAIN), "facts": '[{},{"tag":2}]'}
    assert accounts._account(SimpleNamespace(**row)) == structs.replace(PLAIN, retained={ConfigurationKind.TAG: 2})


def test_the_last_configuration_entry_that_goes_is_written_too() -> None:
    """A document that is not written stays as it was, so one with nothing left in it has to be written."""
    kept = structs.replace(PLAIN, retained={ConfigurationKind.TAG: 1})
    gone = structs.replace(kept, retained={ConfigurationKind.TAG: 0})
    assert reread(gone, before=kept).retained == {ConfigurationKind.TAG: 0}


@pytest.mark.rule("R48")
def test_a_contact_that_was_forgotten_is_written_and_read_as_none() -> None:
    assert reread(structs.replace(FULL, contact=None), before=FULL).contact is None


def test_documents_that_did_not_change_are_not_written() -> None:
    row = row_of(structs.replace(FULL, version=4), before=FULL)
    assert (row["contact"], row["subscription"], row["facts"]) == (None, None, None)


def test_what_lists_an_account_is_written_when_it_is_new_and_when_its_subscription_or_instant_changes() -> None:
    listed, same = structs.replace(FULL, subscription=ACTIVE), (None, None)
    place = ("active/ultimate/auto_renewal/failing", TERM.expires_on)
    assert listing(structs.replace(listed, balance=Decimal(1)), before=listed) == same
    assert listing(listed, before=structs.replace(listed, subscription=None)) == place
    assert listing(listed, before=structs.replace(listed, decided_at=EARLIER.time)) == place
    assert listing(listed, before=listed, new=True) == place


def test_nothing_lists_an_account_that_has_no_state_document() -> None:
    assert listing(structs.replace(PLAIN, subscription=ACTIVE), before=PLAIN, revision=0) == (None, None)


def test_the_next_timer_is_read_where_no_event_waits() -> None:
    at = LATER.time
    row = SimpleNamespace(next_due_at=at, next_timer="expiry", waiting=0)
    assert accounts.timer_of(row) == Timer(at, TimerKind.EXPIRY)
    assert accounts.timer_of(SimpleNamespace(next_due_at=at, next_timer="expiry", waiting=1)) is None
    assert accounts.timer_of(SimpleNamespace(next_due_at=None, next_timer=None, waiting=0)) is None


@pytest.mark.parametrize(
    "server",
    [
        Server("srv-1"),
        Server("srv-1", cores=8, cores_stamp=LATER),
        Server("srv-1", present=True, present_stamp=EARLIER, cores=8, cores_stamp=LATER, bound=True, bound_stamp=LATER),
        Server("srv-1", present=True, present_stamp=LATER, cores=8, cores_stamp=LATER, bound=True, bound_stamp=LATER),
        Server("srv-1", present=True, present_stamp=LATER, cores=8, cores_stamp=EARLIER, bound_stamp=LATER),
        Server("srv-1", True, LATER, 8, LATER, bound_stamp=LATER, binding_waits=True),
    ],
    ids=[
        *("nothing known", "cores alone", "two of one event", "all of one event", "the outer two of one event"),
        "a binding that waits",
    ],
)
def test_a_server_comes_back_with_the_stamps_of_its_registers(server: Server) -> None:
    row = servers._row("acct-1", server)
    assert servers._server(SimpleNamespace(**row)) == server
    stamps = {server.present_stamp, server.cores_stamp, server.bound_stamp} - {None}
    assert str(row["marks"]).count("Z") == len(stamps)


def test_a_server_whose_row_has_each_stamp_three_times_is_read_as_well() -> None:
    stamp = to_json(LATER).decode()
    row = SimpleNamespace(server_id="srv-1", present=True, cores=8, bound=True, marks=f"[{stamp},{stamp},{stamp}]")
    assert servers._server(row) == Server(
        "srv-1", present=True, present_stamp=LATER, cores=8, cores_stamp=LATER, bound=True, bound_stamp=LATER
    )


@pytest.mark.parametrize(
    "entry",
    [ConfigurationEntry({"a": [1, None]}, True, LATER), ConfigurationEntry(None, False, EARLIER)],
    ids=["present", "removed"],
)
def test_a_setting_comes_back_with_its_stamp(entry: ConfigurationEntry) -> None:
    row = configuration._row("acct-1", ConfigurationKind.TAG, "prod", entry)
    assert configuration._entry(SimpleNamespace(**row)) == entry


def test_an_order_comes_back_as_it_was_stored() -> None:
    entry = OrderEntry(
        order_id="p-1",
        type=OrderType.PURCHASE,
        placed_at=EARLIER.time,
        starts_at=EARLIER.time,
        ends_at=LATER.time,
        months=1,
        specification=SPECIFICATION,
        fee=Decimal("9.50"),
        catalog_version="2026-01",
    )
    assert orders._entry(SimpleNamespace(**orders._row("acct-1", entry))) == entry
