"""The operators' HTTP: every notification decision, with its reason."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from notifier_service.inbox.api import inbox_dependencies
from notifier_service.inbox.shapes import DecisionDocument, DecisionsDocument, DecisionStatus
from notifier_service.storage import store
from shared.contracts.scalars import Id
from shared.storage.database import transaction
from shared.web.auth import AnOperator
from shared.web.problems import Problem, problems

router: Final = APIRouter(
    prefix="/api",
    tags=["operators"],
    responses=problems(
        HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY
    ),
)
_LONGEST_PAGE: Final = 500


@router.get("/notifications")
async def notifications(
    request: Request,
    _: AnOperator,
    account_id: Id | None = None,
    status: DecisionStatus | None = None,
    *,
    before: Annotated[int | None, Query(description="`before` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=_LONGEST_PAGE)] = 100,
) -> DecisionsDocument:
    """Decisions, the newest first. An account of which nothing was ever told is not known: 404."""
    asked = {"account_id": account_id, "status": status, "before": before, "limit": limit}
    async with transaction(inbox_dependencies(request).engine) as connection:
        if account_id is not None and account_id not in await store.recipients(connection, [account_id]):
            raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
        rows = await store.decisions(connection, asked)
    return _page(rows, limit)


def _page(rows: Sequence[Mapping[str, Any]], limit: int) -> DecisionsDocument:
    before = rows[-1]["number"] if len(rows) == limit else None
    return DecisionsDocument(notifications=[DecisionDocument.model_validate(row) for row in rows], before=before)
