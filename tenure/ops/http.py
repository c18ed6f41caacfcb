"""The page's HTTP: the page, the lists behind its numbers, the stream, and the login.

Whoever is not admitted gets the login page where a browser asks, and a problem document elsewhere; 401 or 403 both.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from heapq import nsmallest
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import Field

from shared.contracts.state import SubscriptionState
from shared.web.auth import Caller
from shared.web.event_stream import EventStream
from shared.web.problems import Problem, problem_response
from tenure.ops import access, page
from tenure.ops.accounts import AccountFilter, AccountRow, ListedAccount, order_of
from tenure.ops.assets import FILES
from tenure.ops.context import OpsContext
from tenure.ops.listing import matching_in_turns
from tenure.ops.stored_dead_letter import read_dead_letter

PAGE_ROWS: Final = 100
"""Of a list."""

Operator = Annotated[Caller, Depends(access.operator)]


class AccountsQuery(AccountFilter):
    """Which accounts, as the form of the list and the links of numbers say it, and which page."""

    account: str | None = None
    after: Annotated[str | None, Field(pattern=r"^\d{4}-\d\d-\d\d,.{1,128}$")] = None


def routes(context: OpsContext) -> APIRouter:
    """The router."""
    pages = _Pages(context)
    router = APIRouter(prefix="/ops", include_in_schema=False)
    router.get("")(pages.overview)
    router.post("/login")(pages.log_in)
    router.post("/logout")(pages.log_out)
    router.get("/stream")(pages.stream)
    router.get("/assets/{name}")(pages.asset)
    router.get("/accounts")(pages.accounts)
    router.get("/refusals")(pages.refusals)
    router.get("/mails")(pages.mails)
    router.get("/lag")(pages.lag)
    router.get("/dead-letters")(pages.dead_letters)
    router.get("/dead-letters/{name}")(pages.dead_letter)
    return router


def entrance() -> APIRouter:
    """Whoever opens the bare address comes to the page, with the token that is in the address."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def to_the_page(request: Request) -> Response:
        return RedirectResponse(f"/ops?{request.url.query}".rstrip("?"))

    return router


async def show_login(request: Request, refused: Any) -> Response:
    """What whoever is not admitted gets."""
    if "text/html" not in request.headers.get("accept", ""):
        return problem_response(refused.problem)
    answer = _html(page.login_page(refused.refusal))
    answer.status_code = refused.problem.status
    if refused.problem.headers:
        answer.headers.update(refused.problem.headers)
    return answer


class _Pages:
    """One method per path."""

    def __init__(self, context: OpsContext) -> None:
        self._context = context

    async def overview(self, request: Request, token: str | None = None) -> Response:
        """The page; with a token in the address, its cookie, and the page without it."""
        if token is not None:
            return await access.log_in(request, token)
        await access.operator(request)
        return _html(page.overview_page(self._context.view(), charts=bool(self._context.charts)))

    async def log_in(self, request: Request) -> Response:
        """With the token of the form."""
        if not access.is_from_here(request):
            raise Problem(HTTPStatus.FORBIDDEN, "The form must be sent by the login page.")
        form = parse_qs((await request.body()).decode(errors="replace"))
        return await access.log_in(request, form.get("token", [""])[0].strip())

    async def log_out(self, request: Request) -> Response:
        """Forget the cookie."""
        if not access.is_from_here(request):
            raise Problem(HTTPStatus.FORBIDDEN, "The form must be sent by the page.")
        return access.COOKIE.logged_out()

    async def stream(self, caller: Operator) -> Response:
        """What has changed, as Server-Sent Events."""
        return EventStream(self._context.live.open(caller))

    async def asset(self, name: str) -> Response:
        """Styles and scripts: nothing of them is secret."""
        headers = {"Cache-Control": "no-cache"}
        if name in page.OWN_FILES:
            return Response(page.own_file(name), media_type=page.OWN_FILES[name], headers=headers)
        if name in FILES and name in self._context.charts:
            return Response(self._context.charts[name], media_type=FILES[name].media_type, headers=headers)
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such file.")

    async def accounts(self, _: Operator, query: Annotated[AccountsQuery, Query()]) -> Response:
        """The accounts behind a number, in order of E."""
        count, rows = await self._listed(query.account, query, _cursor(query.after))
        return self._list(
            "accounts.html",
            rows=rows[:PAGE_ROWS],
            count=count,
            wanted=query,
            account=query.account or "",
            states=SubscriptionState,
            failed=self._context.model.failed_attempts,
            next=_address("/ops/accounts", query.model_dump(exclude={"after"}), rows),
        )

    async def refusals(self, _: Operator, code: str | None = None) -> Response:
        """The latest orders that were refused."""
        rows = [each for each in reversed(self._context.model.latest.rejections) if code in (None, each.code)]
        return self._list("refusals.html", rows=rows[: 10 * PAGE_ROWS], code=code)

    async def mails(self, _: Operator, outcome: str | None = None) -> Response:
        """The latest emails that did not arrive, or were suppressed."""
        word, _space, cause = (outcome or "").partition(" ")
        rows = [
            each
            for each in reversed(self._context.model.latest.mails)
            if outcome is None or (each.outcome == word and each.reason.startswith(cause))
        ]
        return self._list("mails.html", rows=rows[: 10 * PAGE_ROWS], outcome=outcome)

    async def lag(self, _: Operator) -> Response:
        """How far each service is in each partition."""
        view = self._context.view()
        return self._list("lag.html", view=view, rates=self._context.model.rates)

    async def dead_letters(self, _: Operator, reason: str | None = None) -> Response:
        """The latest dead letters."""
        rows = [each for each in reversed(self._context.model.latest.dead_letters) if reason in (None, each.reason)]
        return self._list("dead_letters.html", rows=rows[: 10 * PAGE_ROWS], reason=reason)

    async def dead_letter(self, _: Operator, name: str) -> Response:
        """One of them, with its content."""
        found = await read_dead_letter(name, self._context.settings)
        if found is None:
            raise Problem(
                HTTPStatus.NOT_FOUND, "There is no such dead letter; it may be gone with its topic's retention."
            )
        account = found.dead_letter.event["account"] or ""
        forgotten_ms = self._context.model.forgotten.get(account, 0)
        forgotten = found.dead_letter.added_at.timestamp() * 1000 <= forgotten_ms
        return self._list("dead_letter.html", found=found, dead_letter=found.dead_letter, forgotten=forgotten)

    def _list(self, template: str, **content: Any) -> Response:
        return _html(page.list_page(template, now=self._context.now(), status=self._context.status, **content))

    async def _listed(
        self, account: str | None, wanted: AccountFilter, after: tuple[date, str] | None
    ) -> tuple[int, Sequence[ListedAccount]]:
        """How many there are, and the page's, with one more where there are more pages."""
        model = self._context.model
        if account is not None:
            row = model.accounts.get(account)
            return (0, []) if row is None else (1, [(account, row)])
        count = 0
        first: list[ListedAccount] = []
        async for piece in matching_in_turns(model.accounts.rows, wanted.matches):
            count += len(piece)
            later = piece if after is None else [each for each in piece if order_of(each) > after]
            first = nsmallest(PAGE_ROWS + 1, [*first, *later], key=order_of)
        return count, first


def _html(text: str) -> HTMLResponse:
    return HTMLResponse(text, headers={"Content-Security-Policy": page.POLICY})


def _cursor(after: str | None) -> tuple[date, str] | None:
    if after is None:
        return None
    day, _, account = after.partition(",")
    try:
        return date.fromisoformat(day), account
    except ValueError:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "after: expected YYYY-MM-DD,account.") from None


def _address(path: str, query: Mapping[str, Any], rows: Sequence[tuple[str, AccountRow]]) -> str | None:
    """Of the page behind this one; None where it is the last."""
    if len(rows) <= PAGE_ROWS:
        return None
    day, account = order_of(rows[PAGE_ROWS - 1])
    given = {name: str(value).lower() if value in (True, False) else value for name, value in query.items() if value}
    return f"{path}?{urlencode({**given, 'after': f'{day.isoformat()},{account}'})}"
