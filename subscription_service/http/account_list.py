"""The operators' list of accounts, by filters, page by page or whole as CSV.

A page begins after the last account of the one before, and nothing is kept between pages. An account whose E moves
meanwhile stands where it belongs then: it may come again further on, or not at all where it has moved back.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Self

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.contracts.fields import AccountId, Balance, ExpiresOn, described
from shared.contracts.scalars import ID_PATTERN, Day, Instant
from shared.contracts.state import SubscriptionState
from shared.contracts.types import Edition
from shared.runtime.csv_cells import without_formula
from shared.storage.database import Engine, snapshot
from shared.web.operators import operators_router
from subscription_service.domain.listing import NO_E, AccountFilters
from subscription_service.domain.overview import BASIC
from subscription_service.http.media_types import prefers
from subscription_service.storage import account_list
from subscription_service.storage.account_list import START, Place

CSV: Final = "text/csv"
MAX_PER_PAGE: Final = 1000
_JSON: Final = "application/json"
_EDITIONS: Final = (*(edition.value for edition in Edition), BASIC)
_PLACE: Final = rf"^(\d{{4}}-\d\d-\d\d|none),{ID_PATTERN.removeprefix('^')}"
"""As `next` has it; callers need not know."""


def _edition(value: str) -> str:
    if value not in _EDITIONS:
        raise ValueError(f"expected one of {', '.join(_EDITIONS)}")
    return value


def _place(value: str) -> str:
    """Raises `ValueError` for a day that the calendar does not have."""
    place_of(value)
    return value


def place_of(text: str) -> Place:
    """The place that `next` of a page names."""
    day, _, account_id = text.partition(",")
    return Place(NO_E if day == "none" else datetime.strptime(day, "%Y-%m-%d").date(), account_id)  # noqa: DTZ007


class AccountsQuery(BaseModel):
    """Which accounts, and which page. An unknown parameter is refused: a mistyped filter must not list everybody."""

    model_config = ConfigDict(extra="forbid")

    state: Annotated[SubscriptionState | None, Field(description="Only subscriptions in this state.")] = None
    edition: Annotated[
        str | None,
        AfterValidator(_edition),
        Field(description="Only this edition in force; `basic` after release.", json_schema_extra={"enum": _EDITIONS}),
    ] = None
    expires_from: Annotated[Day | None, Field(description="Only with E on this day or later.")] = None
    expires_to: Annotated[Day | None, Field(description="Only with E on this day or earlier.")] = None
    auto_renewal: Annotated[bool | None, Field(description="Only with automatic renewal switched on, or off.")] = None
    failing: Annotated[
        bool | None, Field(description="Only where a deduction has failed and is not made up for, or only the others.")
    ] = None
    declined: Annotated[bool | None, Field(description="Only with the renewal declined, or only the others.")] = None
    limit: Annotated[
        int, Field(ge=1, le=MAX_PER_PAGE, description="The largest number of accounts in a page; CSV has no pages.")
    ] = 100
    after: Annotated[
        str | None, Field(pattern=_PLACE, description="`next` of the page before."), AfterValidator(_place)
    ] = None

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.expires_from and self.expires_to and self.expires_from > self.expires_to:
            raise ValueError("expires_from is later than expires_to")
        return self

    @property
    def filters(self) -> AccountFilters:
        """The filters alone."""
        return AccountFilters(**{name: getattr(self, name) for name in AccountFilters._fields})

    @property
    def begin(self) -> Place:
        """Where the page begins."""
        return place_of(self.after) if self.after else START


class ListedAccount(BaseModel):
    """One account of the list."""

    account_id: AccountId
    state: Annotated[SubscriptionState, described("State of its latest subscription.", "active")]
    edition: Annotated[str | None, described("Edition in force; `basic` after release.", "enterprise")]
    expires_on: Annotated[ExpiresOn | None, Field(description="E; null where there is nothing that ends.")]
    ends_at: Annotated[
        Instant | None, described("End of the last term, exclusive; UTC; null without E.", "2026-02-28T16:00:00Z")
    ]
    auto_renewal: Annotated[bool, described("Whether automatic renewal is switched on.", True)]
    failing: Annotated[bool, described("Whether a deduction has failed and is not made up for.", False)]
    declined: Annotated[bool, described("Whether the renewal was declined.", False)]
    balance: Balance
    contact_name: Annotated[str | None, described("Name of the contact; null where none is known.", "Amélie O'Neil")]

    @classmethod
    def of(cls, listed: account_list.ListedAccount) -> Self:
        """From a row of the storage."""
        day = listed.place.day
        return cls(
            account_id=listed.place.account_id,
            **listed.group._asdict(),
            expires_on=None if day == NO_E else day,
            ends_at=listed.ends_at,
            balance=listed.balance,
            contact_name=listed.contact_name,
        )


class AccountList(BaseModel):
    """One page of the list."""

    accounts: Annotated[Sequence[ListedAccount], described("In the order of E, then id; those without E last.")]
    next: Annotated[str | None, described("`after` of the next page; null on the last.", "2026-02-28,acct-1001")] = None


def router(engine: Engine) -> APIRouter:
    """`/api/accounts`."""
    made = operators_router("/api/accounts", "accounts")

    @made.get("", response_model=AccountList, responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}})
    async def accounts(
        query: Annotated[AccountsQuery, Query()],
        accept: Annotated[str, Header(include_in_schema=False)] = _JSON,
    ) -> Any:
        """Accounts in the order of E and id, those without E last: one page, or with `Accept: text/csv` all of them."""
        if prefers(accept, CSV, to=_JSON):
            return StreamingResponse(_as_csv(engine, query), media_type=CSV, headers=_VARIES)
        found, following = await _page(engine, query, query.begin, query.limit)
        document = AccountList(accounts=[ListedAccount.of(each) for each in found], next=following)
        return Response(document.model_dump_json(), media_type=_JSON, headers=_VARIES)

    return made


_VARIES: Final = {"Vary": "Accept"}


async def _page(
    engine: Engine, query: AccountsQuery, begin: Place, limit: int
) -> tuple[Sequence[account_list.ListedAccount], str | None]:
    """The accounts of one page, in a short transaction of its own, and where the next one begins, if there is one."""
    async with snapshot(engine) as connection:
        found = await account_list.page(connection, query.filters, after=begin, limit=limit + 1)
    page = found[:limit]
    return page, _text_of(page[-1].place) if len(found) > limit else None


def _text_of(place: Place) -> str:
    """The inverse of `place_of`."""
    return f"{'none' if place.day == NO_E else place.day},{place.account_id}"


async def _as_csv(engine: Engine, query: AccountsQuery) -> AsyncIterator[bytes]:
    yield _lines([tuple(ListedAccount.model_fields)])
    begin: Place | None = query.begin
    while begin is not None:
        found, following = await _page(engine, query, begin, MAX_PER_PAGE)
        yield _lines(_cells(each) for each in found)
        begin = place_of(following) if following else None


def _cells(listed: account_list.ListedAccount) -> Iterable[object]:
    """As in JSON: truth values are `true` and `false`; what is null is empty. No name is a formula."""
    document = ListedAccount.of(listed).model_dump(mode="json")
    return [str(value).lower() if isinstance(value, bool) else without_formula(value) for value in document.values()]


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    """RFC 4180."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
