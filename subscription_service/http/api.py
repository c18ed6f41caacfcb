"""The operators' HTTP API: an account's overview, orders, history, timeline, what waits, quote, servers and
configuration.

It reads only. What it shows was decided by the service, or is worked out by the domain's own rules. The documents are
in `shapes`, the SQL in `storage`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from shared.contracts.envelope import to_json
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.scalars import Id
from shared.contracts.state import Overview
from shared.contracts.types import ConfigurationKind, ProtectionMode
from shared.storage.database import Connection, Engine, snapshot, transaction
from shared.testclock.clock import Clock
from shared.web.operators import operators_router
from shared.web.problems import Problem, problems
from subscription_service.domain.checks import amount_out_of_range, invalid_duration_of_renewal
from subscription_service.domain.context import DecisionContext
from subscription_service.domain.model import Active, Grace, Released, Subscription, specification_in_force
from subscription_service.domain.overview import overview, protecting_mode
from subscription_service.domain.policy import Rules
from subscription_service.domain.refusals import Rejection, sentence
from subscription_service.domain.reminders import months_as_is, obstacles, quote
from subscription_service.domain.timeline import timeline
from subscription_service.http import shapes
from subscription_service.storage import accounts, configuration, loading, orders, published, servers, waiting
from subscription_service.storage.accounts import AccountWithState

_JSON: Final = "application/json"
_MAX_EVENTS_PER_PAGE: Final = 1000
_MAX_SERVERS_PER_PAGE: Final = 1000
_MAX_WAITING: Final = 100


def router(engine: Engine, clock: Clock, rules: Rules) -> APIRouter:
    """Everything below `/api/accounts/{account_id}`."""
    endpoints = _Endpoints(engine, clock, rules)
    made = operators_router("/api/accounts/{account_id}", "accounts", HTTPStatus.NOT_FOUND)
    made.get("", response_model=Overview)(endpoints.overview)
    made.get("/orders")(endpoints.orders)
    made.get("/history", response_model=shapes.History)(endpoints.history)
    made.get("/timeline", response_model_exclude_unset=True)(endpoints.timeline)
    made.get("/waiting")(endpoints.waiting)
    made.get("/quote", responses=problems(HTTPStatus.CONFLICT))(endpoints.quote)
    made.get("/servers")(endpoints.servers)
    made.get("/configuration/{kind}", responses=problems(HTTPStatus.GONE))(endpoints.configuration)
    return made


class _Endpoints:
    """One method per path. Each raises `Problem` 404 for an account of which nothing is known."""

    def __init__(self, engine: Engine, clock: Clock, rules: Rules) -> None:
        self._engine = engine
        self._clock = clock
        self._rules = rules

    async def overview(self, account_id: Id) -> Response:
        """The account's state document, as it was last published on `subscription-state`."""
        async with self._snapshot_of(account_id) as (_, stored):
            document = overview(stored.account, revision=stored.revision, as_of=stored.as_of, rules=self._rules)
        return Response(to_json(document), media_type=_JSON)

    async def orders(self, account_id: Id) -> shapes.Orders:
        """All orders with start, end and specification, the oldest first. Only `status` follows the clock (R18)."""
        now = await self._now()
        async with self._snapshot_of(account_id) as (connection, _):
            entries = await orders.of_account(connection, account_id)
        return shapes.Orders(orders=[shapes.Order.of(entry, now) for entry in entries])

    async def history(
        self,
        account_id: Id,
        after_version: Annotated[int, Query(ge=0, le=2**62, description="Only events after this version.")] = 0,
        limit: Annotated[
            int, Query(ge=1, le=_MAX_EVENTS_PER_PAGE, description="The largest number of events in the answer.")
        ] = 100,
    ) -> Response:
        """The account's lifecycle events in `version` order, byte for byte as on `subscription-lifecycle`."""
        async with self._snapshot_of(account_id) as (connection, stored):
            events = await published.history(connection, account_id, after=after_version, limit=limit)
        last = after_version + len(events)
        return Response(shapes.history(events, last if last < stored.account.version else None), media_type=_JSON)

    async def timeline(self, account_id: Id) -> shapes.Timeline:
        """What will happen at which time, if nothing else changes: deductions, reminders, expiry, release."""
        now = await self._now()
        async with self._snapshot_of(account_id) as (connection, stored):
            account = await loading.with_coupons_and_servers(
                connection, stored.account, self._rules.policy.billing_zone
            )
        entries = timeline(account, now=now, rules=self._rules)
        return shapes.Timeline(entries=[shapes.TimelineDocumentEntry.of(entry) for entry in entries])

    async def waiting(self, account_id: Id) -> shapes.Waiting:
        """Events in that wait for a purchase of the account, or for what is due before them (R4, R40)."""
        async with snapshot(self._engine) as connection:
            found = await waiting.first_of_account(connection, account_id, limit=_MAX_WAITING)
            if not found and await accounts.find_with_state(connection, account_id) is None:
                raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
        return shapes.Waiting(events=[shapes.WaitingEvent.of(each) for each in found])

    async def quote(
        self,
        account_id: Id,
        months: Annotated[
            int | None, Query(description="Months of the renewal; by default those that a reminder quotes.")
        ] = None,
    ) -> shapes.QuoteDocument:
        """The price of a renewal with the present specification, and what would refuse it now (R3, R14, R30)."""
        now = await self._now()
        async with self._snapshot_of(account_id) as (_, stored):
            pass
        live = _renewable(stored.account.subscription)
        wanted = months_as_is(live) if months is None else months
        context = DecisionContext(stored.account, live, now, self._rules)
        if refusal := invalid_duration_of_renewal(context, wanted):
            raise _refused(HTTPStatus.UNPROCESSABLE_ENTITY, refusal)
        quoted = quote(live, wanted, at=now, rules=self._rules)
        if refusal := amount_out_of_range(quoted.fee):
            raise _refused(HTTPStatus.UNPROCESSABLE_ENTITY, refusal)
        return shapes.QuoteDocument.of(quoted, obstacles(stored.account, live, self._rules.catalog))

    async def servers(
        self,
        account_id: Id,
        after: Annotated[Id | None, Query(description="`next` of the page before.")] = None,
        limit: Annotated[
            int, Query(ge=1, le=_MAX_SERVERS_PER_PAGE, description="The largest number of servers.")
        ] = 100,
    ) -> shapes.ServerList:
        """The registered servers by id: which are bound, and which are protected now (R31, R36)."""
        async with self._snapshot_of(account_id) as (connection, stored):
            found = await servers.registered(connection, account_id, after=after or "", limit=limit + 1)
        mode = _protecting_mode(stored)
        return shapes.ServerList(
            servers=[shapes.RegisteredServer.of(each, mode) for each in found[:limit]],
            next=found[limit - 1].server_id if len(found) > limit else None,
        )

    async def configuration(self, account_id: Id, kind: ConfigurationKind) -> shapes.Configuration:
        """The retained configuration of one kind, by key; 410 after release (R32, R35)."""
        async with self._snapshot_of(account_id) as (connection, stored):
            if isinstance(stored.account.subscription, Released):
                raise Problem(HTTPStatus.GONE, "The configuration was deleted when the subscription was released.")
            found = await configuration.present(connection, account_id, kind)
        return shapes.Configuration(
            kind=kind, entries=[shapes.ConfigurationEntry(key=key, value=value) for key, value in found]
        )

    @asynccontextmanager
    async def _snapshot_of(self, account_id: str) -> AsyncIterator[tuple[Connection, AccountWithState]]:
        """The account, and a connection that sees everything else as of the same instant."""
        async with snapshot(self._engine) as connection:
            stored = await accounts.find_with_state(connection, account_id)
            if stored is None:
                raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
            yield connection, stored

    async def _now(self) -> datetime:
        """The service clock; in a transaction of its own, since reading the test clock locks its row."""
        async with transaction(self._engine) as connection:
            return await self._clock.now(connection)


def _protecting_mode(stored: AccountWithState) -> ProtectionMode | None:
    """As in the state document."""
    live = stored.account.subscription
    in_force = specification_in_force(live, stored.as_of) if isinstance(live, Active | Grace) else None
    return protecting_mode(live, in_force)


def _renewable(subscription: Subscription | None) -> Active | Grace:
    """Raises `Problem` 409 where there is nothing to renew (R12)."""
    if isinstance(subscription, Active | Grace):
        return subscription
    code = RejectionCode.SUBSCRIPTION_RELEASED if subscription else RejectionCode.NOT_SUBSCRIBED
    raise _refused(HTTPStatus.CONFLICT, Rejection(code))


def _refused(status: HTTPStatus, refusal: Rejection) -> Problem:
    """With the code and the sentence that an `order_rejected` event would have."""
    return Problem(status, sentence(refusal), code=refusal.code.value)
