"""The operators' HTTP of the suppression list: which addresses get no email, and letting one have them again.

The list holds hashes alone; an account's own are found by its id.
"""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from notifier_service.bounces.address import address_hash
from notifier_service.log_lines import ADDRESS_RELEASED
from notifier_service.storage import recipients, suppressions
from notifier_service.storage.suppressions import Suppression
from shared.contracts.fields import NotificationId, described
from shared.contracts.scalars import Id
from shared.runtime.settings import Settings
from shared.storage.database import Connection, Engine, transaction
from shared.web.list_query import ListQuery
from shared.web.operators import operators_router
from shared.web.problems import Problem

_LONGEST_PAGE: Final = 500
_HASH: Final = r"^[0-9a-f]{24}$"


class SuppressionsQuery(ListQuery):
    """Which addresses, and which page."""

    account_id: Annotated[Id | None, Field(description="Only the addresses of this account.")] = None
    after: Annotated[str | None, Field(pattern=_HASH, description="`next` of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=_LONGEST_PAGE, description="Addresses on a page, at most.")] = 100


class SuppressionDocument(BaseModel):
    """An address that gets no email."""

    address_hash: Annotated[str, described("A keyed hash of the address.", "0123456789abcdef01234567")]
    reason: Annotated[Literal["bounced", "complained"], described("Why.", "bounced")]
    since: Annotated[datetime, described("Since when, on the service clock.", "2026-02-21T02:00:00Z")]
    notification_id: Annotated[NotificationId | None, described("The email that it was; null where none is known.")]


class SuppressionsDocument(BaseModel):
    """A page of the suppression list."""

    suppressions: Annotated[Sequence[SuppressionDocument], Field(description="In order of the hashes.")]
    next: Annotated[
        str | None, described("The `after` of the next page; null on the last.", "0123456789abcdef01234567")
    ]


def router(engine: Engine, settings: Settings) -> APIRouter:
    """`/api/suppressions`."""
    endpoints = _Endpoints(engine, settings)
    made = operators_router("/api/suppressions", "bounces", HTTPStatus.NOT_FOUND)
    made.get("")(endpoints.suppressions)
    made.delete("/{address_hash}", status_code=HTTPStatus.NO_CONTENT, response_class=Response)(endpoints.release)
    return made


class _Endpoints:
    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        self._settings = settings

    async def suppressions(self, query: Annotated[SuppressionsQuery, Query()]) -> SuppressionsDocument:
        """Addresses that get no email. 404 for an account of which no lifecycle event has come."""
        async with transaction(self._engine) as connection:
            hashes = None if query.account_id is None else await self._addresses_of(connection, query.account_id)
            found = await suppressions.page(connection, after=query.after, limit=query.limit, hashes=hashes)
        return SuppressionsDocument(
            suppressions=[_document(one) for one in found],
            next=found[-1].address_hash if len(found) == query.limit else None,
        )

    async def release(self, hashed: Annotated[str, Path(alias="address_hash", pattern=_HASH)]) -> None:
        """Later mails go to the address again. 404 where it is not on the list."""
        async with transaction(self._engine) as connection:
            released = await suppressions.release(connection, hashed)
        if not released:
            raise Problem(HTTPStatus.NOT_FOUND, "This address is not on the suppression list.")
        ADDRESS_RELEASED.say(address_hash=hashed)

    async def _addresses_of(self, connection: Connection, account_id: str) -> list[str]:
        known = (await recipients.load(connection, [account_id])).get(account_id)
        if known is None:
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
        contacts = [*([known.contact] if known.contact else []), *known.further]
        return [address_hash(self._settings, contact.email) for contact in contacts]


def _document(one: Suppression) -> SuppressionDocument:
    return SuppressionDocument.model_validate(one._asdict())
