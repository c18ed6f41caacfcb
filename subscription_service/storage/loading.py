"""Loading what a transaction works on: accounts are locked, with what belongs to them.

Locks are taken in one order, each kind sorted: input positions, ids of events, business ids, accounts that have a row,
new accounts, sequences of the log. So any number of copies can work on the same accounts without a deadlock; the rare
one of a batch that is decided in parts (`handlers.in_turn`), each with locks of its own, is ended by PostgreSQL, and
the batch tried again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import structs

from shared.contracts.acts import RenewalCancelled
from shared.contracts.inbound import InboundData
from shared.contracts.inventory import (
    ConfigurationRecorded,
    ConfigurationRemoved,
    InventorySnapshot,
    ServerBound,
    ServerRegistered,
    ServerReleased,
    ServerResized,
    ServerUnbound,
)
from shared.contracts.purchases import CouponIssued
from shared.contracts.types import ConfigurationKind
from shared.storage.database import Connection
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.deduction import may_deduct
from subscription_service.domain.model import Account, Active
from subscription_service.domain.timers import starts_partial_mode
from subscription_service.domain.waiting import WaitingEvents
from subscription_service.handlers import Incoming
from subscription_service.storage import accounts, configuration, coupons, deduplication, orders, servers, waiting
from subscription_service.storage.coupons import FAR_AHEAD, Days
from subscription_service.storage.waiting import StoredEvent
from subscription_service.unit_of_work import LockedAccount


async def lock(
    connection: Connection, account_ids: Collection[str], *, partitions: int, with_waiting: Collection[str]
) -> dict[str, LockedAccount]:
    """Lock and load these accounts, new ones too.

    `partitions`: number of the lifecycle's partitions. `with_waiting`: accounts whose waiting events may go on in this
    transaction, and so are loaded; of the others it is only known how many wait and until when.
    """
    locked, waiting_ids = await accounts.lock(connection, account_ids, partitions=partitions)
    await _load_waiting(connection, locked, [each for each in waiting_ids if each in with_waiting])
    return locked


async def lock_due(
    connection: Connection, account_ids: Collection[str], *, partitions: int, by: datetime
) -> dict[str, LockedAccount]:
    """Lock and load accounts of which something is due by an instant (UTC), with the waiting events that it is about.

    Where an account is not known and all its events wait for a purchase, those are the ones whose wait is over: however
    many go on waiting, they are not read.
    """
    locked, waiting_ids = await accounts.lock(connection, account_ids, partitions=partitions)
    parked_only = [each for each in waiting_ids if _has_parked_only(locked[each])]
    await _load_waiting(connection, locked, [each for each in waiting_ids if each not in parked_only])
    await _load_over(connection, locked, parked_only, by)
    return locked


async def read(connection: Connection, account_id: str) -> LockedAccount:
    """An account with its waiting events, not locked; where nothing is known of it, one that is empty."""
    account, waits = await accounts.read_one(connection, account_id)
    await _load_waiting(connection, {account_id: account}, [account_id] if waits else [])
    return account


async def load_coupons(
    connection: Connection,
    locked: Mapping[str, LockedAccount],
    days: Mapping[str, Days],
) -> None:
    """Load the coupons that may be tried, or told of, on these billing days, of these accounts by id (R24, R30, R49).

    A coupon that has expired before is never read, nor those of an account on which nothing can be deducted.
    """
    for account_id, usable in (await coupons.usable(connection, days)).items():
        _attach(locked[account_id], coupons=usable)


async def load_touched(
    connection: Connection,
    locked: Mapping[str, LockedAccount],
    events: Iterable[Incoming],
    *,
    with_all_servers: Collection[str] = (),
    with_orders: Collection[str] = (),
) -> None:
    """Load the servers, configuration entries, orders and revocations of coupons that these events touch.

    Where an event may need all servers, and of the accounts `with_all_servers`: also every server that is present or
    bound. Of the accounts `with_orders`: also the orders of their terms, whose fee a notice of a charge names (R49).
    """
    touched = _Touched(locked, events)
    touched.all_servers.update(with_all_servers)
    touched.orders.update(order for account_id in with_orders for order in _orders_of(locked[account_id].account))
    found_servers = await servers.some(connection, touched.servers)
    for account_id, in_use in (await servers.in_use(connection, sorted(touched.all_servers))).items():
        found_servers.setdefault(account_id, {}).update(in_use)
    found_entries = await configuration.some(connection, touched.entries)
    for account_id, ids in (await coupons.revoked(connection, touched.coupons)).items():
        _attach(locked[account_id], revoked_coupons=ids)
    for account_id, own in (await orders.placed(connection, touched.orders)).items():
        _attach(locked[account_id], placed_orders=own)
    for account_id, ahead in (await servers.bound_ahead(connection, sorted(touched.binding))).items():
        _attach(locked[account_id], bound_ahead=ahead)
    for account_id in found_servers.keys() | found_entries.keys():
        _attach(
            locked[account_id],
            servers=found_servers.get(account_id, {}),
            configuration=found_entries.get(account_id, {}),
        )


async def with_coupons_and_servers(connection: Connection, account: Account, zone: ZoneInfo) -> Account:
    """All of an account that its timers may look at, not locked."""
    account_id, first_instant = account.account_id, account.decided_at
    days = {account_id: Days(billing_day(first_instant, zone), FAR_AHEAD)} if first_instant else {}
    usable = (await coupons.usable(connection, days)).get(account_id, ())
    own = (await servers.in_use(connection, [account_id])).get(account_id, {})
    placed = (await orders.placed(connection, _orders_of(account))).get(account_id, {})
    return structs.replace(account, coupons=usable, servers=own, placed_orders=placed)


def _orders_of(account: Account) -> list[tuple[str, str]]:
    """Account id and order id of every term of a subscription that is active."""
    subscription = account.subscription
    terms = subscription.terms if isinstance(subscription, Active) else ()
    return [(account.account_id, term.order_id) for term in terms]


async def to_run_ahead(
    connection: Connection, account_ids: Sequence[str], until: datetime, zone: ZoneInfo
) -> list[Account]:
    """These accounts with all that timers up to an instant (UTC) may look at, not locked. What a release unbinds is
    left out: nothing that is foretold depends on it.
    """
    found = {each.account_id: each for each in await accounts.read_some(connection, account_ids)}
    days = {
        account_id: Days(billing_day(each.decided_at, zone), billing_day(until, zone))
        for account_id, each in found.items()
        if each.decided_at is not None and may_deduct(each)
    }
    switching = [
        account_id
        for account_id, each in found.items()
        if isinstance(each.subscription, Active) and starts_partial_mode(each, each.subscription, until)
    ]
    for account_id, usable in (await coupons.usable(connection, days)).items():
        found[account_id] = structs.replace(found[account_id], coupons=usable)
    for account_id, own in (await servers.in_use(connection, switching)).items():
        found[account_id] = structs.replace(found[account_id], servers=own)
    return list(found.values())


async def _load_waiting(
    connection: Connection, locked: Mapping[str, LockedAccount], account_ids: Sequence[str]
) -> None:
    """The waiting events of these accounts."""
    for account_id in account_ids:
        locked[account_id].waiting = WaitingEvents()
    stored = await waiting.of_accounts(connection, account_ids)
    for event, until in stored:
        locked[event.account_id].waiting.add(event, until)
    await deduplication.recheck(connection, [event for event, _ in stored])


def _has_parked_only(locked: LockedAccount) -> bool:
    return locked.account.subscription is None and not locked.waiting.has_deferred


async def _load_over(
    connection: Connection, locked: Mapping[str, LockedAccount], account_ids: Sequence[str], by: datetime
) -> None:
    """Of the waiting events of these accounts, all of which are parked, those whose wait is over."""
    if not account_ids:
        return
    stored = await waiting.over(connection, account_ids, by)
    over: defaultdict[str, list[StoredEvent]] = defaultdict(list)
    for each in stored:
        over[each.event.account_id].append(each)
    for account_id, deadline in (await waiting.next_deadlines(connection, account_ids, by)).items():
        locked[account_id].waiting = locked[account_id].waiting.with_loaded(over[account_id], deadline)
    await deduplication.recheck(connection, [event for event, _ in stored])


class _Touched:
    """The rows that a batch's events are about. `all_servers`: accounts of which an event may need every server;
    `binding`: of which one binds a server.
    """

    def __init__(self, locked: Mapping[str, LockedAccount], events: Iterable[Incoming]) -> None:
        self.all_servers: set[str] = set()
        self.binding: set[str] = set()
        self.servers: set[tuple[str, str]] = set()
        self.entries: set[tuple[str, ConfigurationKind, str]] = set()
        self.coupons: set[tuple[str, str]] = set()
        self.orders: set[tuple[str, str]] = set()
        for event in events:
            self._add(event.account_id, event.event.data)
            if isinstance(event.event.data, ServerBound):
                self.binding.add(event.account_id)
            if event.may_touch_all_servers(locked[event.account_id].account):
                self.all_servers.add(event.account_id)

    def _add(self, account_id: str, data: InboundData) -> None:
        match data:
            case ServerRegistered() | ServerResized() | ServerReleased() | ServerBound() | ServerUnbound():
                self.servers.add((account_id, data.server_id))
            case InventorySnapshot():
                self.servers.update((account_id, server.server_id) for server in data.servers)
            case CouponIssued():
                self.coupons.add((account_id, data.coupon_id))
            case RenewalCancelled():
                self.orders.add((account_id, data.order_id))
            case ConfigurationRecorded() | ConfigurationRemoved():
                self.entries.add((account_id, data.kind, data.key))


def _attach(locked: LockedAccount, **loaded: Any) -> None:
    """What was loaded is part of the state before, too."""
    locked.account = locked.before = structs.replace(locked.account, **loaded)
