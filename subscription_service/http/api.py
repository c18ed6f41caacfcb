"""HTTP for operators: an account's overview, orders, history, timeline, quote and configuration.

Reading only: what is shown was decided elsewhere or is worked out by the very rules that decide. `app` includes
`router`; shapes stand in `shapes`, SQL in `views`.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from shared.contracts.envelope import to_json
from shared.contracts.lifecycle_parts import RejectionCode
from shared.contracts.scalars import Id
from shared.contracts.state import Overview
from shared.contracts.types import ConfigurationKind
from shared.storage.database import Connection, Engine, transaction
from shared.testclock.clock import Clock
from shared.web.auth import AnOperator
from shared.web.problems import Problem, problems
from subscription_service.domain.checks import invalid_duration
from subscription_service.domain.model import Active, Grace, Released, Subscription
from subscription_service.domain.overview import overview
from subscription_service.domain.policy import Rules
from subscription_service.domain.refusals import Rejection, sentence
from subscription_service.domain.reminders import months_as_is, obstacles, quote
from subscription_service.domain.timeline import timeline
from subscription_service.http import shapes
from subscription_service.storage import views
from subscription_service.storage.views import Known

_JSON: Final = "application/json"
_LONGEST_PAGE: Final = 1000
_PROBLEMS: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def router(engine: Engine, clock: Clock, rules: Rules) -> APIRouter:
    """Everything below `/api/accounts/{account_id}`."""
    pages = _Pages(engine, clock, rules)
    made = APIRouter(
        prefix="/api/accounts/{account_id}",
        tags=["accounts"],
        dependencies=[Depends(_for_operators)],
        responses=problems(*_PROBLEMS),
    )
    made.get("", response_model=Overview)(pages.overview)
    made.get("/orders")(pages.orders)
    made.get("/history", response_model=shapes.History)(pages.history)
    made.get("/timeline", response_model_exclude_unset=True)(pages.timeline)
    made.get("/quote", responses=problems(HTTPStatus.CONFLICT))(pages.quote)
    made.get("/configuration/{kind}", responses=problems(HTTPStatus.GONE))(pages.configuration)
    return made


class _Pages:
    """One method a path. Every one raises `Problem` 404 for an account of which nothing is known."""

    def __init__(self, engine: Engine, clock: Clock, rules: Rules) -> None:
        self._engine = engine
        self._clock = clock
        self._rules = rules

    async def overview(self, account_id: Id) -> Response:
        """The overview document, as it was last published on `subscription-state`."""
        async with self._looking_at(account_id) as (_, it):
            document = overview(it.account, revision=it.revision, as_of=it.changed_at, rules=self._rules)
        return Response(to_json(document), media_type=_JSON)

    async def orders(self, account_id: Id) -> shapes.Orders:
        """Every order with its start, end and specification; only its status follows the clock (R18)."""
        now = await self._now()
        async with self._looking_at(account_id) as (connection, _):
            entries = await views.orders(connection, account_id)
        return shapes.Orders(orders=[shapes.Order.of(entry, now) for entry in entries])

    async def history(
        self,
        account_id: Id,
        after_version: Annotated[int, Query(ge=0, le=2**62, description="Only events behind this version.")] = 0,
        limit: Annotated[int, Query(ge=1, le=_LONGEST_PAGE)] = 100,
    ) -> Response:
        """Its lifecycle events, byte for byte as on `subscription-lifecycle`, in `version` order."""
        async with self._looking_at(account_id) as (connection, it):
            events = await views.history(connection, account_id, after=after_version, limit=limit)
        last = after_version + len(events)
        return Response(shapes.history(events, last if last < it.account.version else None), media_type=_JSON)

    async def timeline(self, account_id: Id) -> shapes.Timeline:
        """What will happen when, if nothing changes: deductions, reminders, expiry, release."""
        now = await self._now()
        async with self._looking_at(account_id) as (connection, it):
            account = await views.whole(connection, it.account)
        entries = timeline(account, now=now, rules=self._rules)
        return shapes.Timeline(entries=[shapes.TimelineDocumentEntry.of(entry) for entry in entries])

    async def quote(
        self,
        account_id: Id,
        months: Annotated[int | None, Query(description="Left out: as the reminder quotes.")] = None,
    ) -> shapes.QuoteDocument:
        """The price of a renewal as is, and what would refuse it now (R3, R14, R30)."""
        async with self._looking_at(account_id) as (_, it):
            pass
        live = _renewable(it.account.subscription)
        asked = months_as_is(live) if months is None else months
        refusal = invalid_duration(asked)
        if refusal:
            raise _refused(HTTPStatus.UNPROCESSABLE_ENTITY, refusal)
        catalog = self._rules.catalog
        return shapes.QuoteDocument.of(quote(live, asked, catalog), obstacles(it.account, live, catalog))

    async def configuration(self, account_id: Id, kind: ConfigurationKind) -> shapes.Configuration:
        """The retained configuration of one kind; gone after release (R32, R35)."""
        async with self._looking_at(account_id) as (connection, it):
            if isinstance(it.account.subscription, Released):
                raise Problem(HTTPStatus.GONE, "The configuration was deleted when the subscription was released.")
            found = await views.configuration(connection, account_id, kind)
        return shapes.Configuration(kind=kind, entries=[shapes.Setting(key=key, value=value) for key, value in found])

    @asynccontextmanager
    async def _looking_at(self, account_id: str) -> AsyncIterator[tuple[Connection, Known]]:
        """The account, and a connection that sees everything else as it stood with it."""
        async with transaction(self._engine) as connection:
            await views.one_snapshot(connection)
            known = await views.known(connection, account_id)
            if known is None:
                raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
            yield connection, known

    async def _now(self) -> datetime:
        """The service clock; in a transaction of its own, since reading the test clock locks its row."""
        async with transaction(self._engine) as connection:
            return await self._clock.now(connection)


async def _for_operators(_: AnOperator) -> None:
    """Nobody else sees another's account."""


def _renewable(subscription: Subscription | None) -> Active | Grace:
    """Raises `Problem` 409 where there is nothing to renew (R12)."""
    if isinstance(subscription, Active | Grace):
        return subscription
    code = RejectionCode.SUBSCRIPTION_RELEASED if subscription else RejectionCode.NOT_SUBSCRIBED
    raise _refused(HTTPStatus.CONFLICT, Rejection(code))


def _refused(status: HTTPStatus, refusal: Rejection) -> Problem:
    """As `order_rejected` would say it."""
    return Problem(status, sentence(refusal), code=refusal.code.value)
