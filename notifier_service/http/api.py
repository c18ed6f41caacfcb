"""The operators' HTTP: every notification decision, with its reason."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from notifier_service.http.shapes import DecisionDocument, DecisionsDocument, DecisionsQuery
from notifier_service.storage import notifications, recipients
from shared.storage.database import Engine, transaction
from shared.web.operators import operators_router
from shared.web.problems import Problem


def router(engine: Engine) -> APIRouter:
    """The routes below `/api` that need the scope `operator`."""
    endpoints = _Endpoints(engine)
    made = operators_router("/api", "operators", HTTPStatus.NOT_FOUND)
    made.get("/notifications")(endpoints.notifications)
    return made


class _Endpoints:
    """One method per path."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def notifications(self, query: Annotated[DecisionsQuery, Query()]) -> DecisionsDocument:
        """Decisions, the newest first. 404 for an account of which no lifecycle event has come."""
        account_id = query.account_id
        async with transaction(self._engine) as connection:
            if account_id is not None and account_id not in await recipients.load(connection, [account_id]):
                raise Problem(HTTPStatus.NOT_FOUND, "There is no such account.")
            rows = await notifications.page(connection, query.wanted)
        return DecisionsDocument(
            notifications=[DecisionDocument.model_validate(row) for row in rows],
            before=rows[-1]["number"] if len(rows) == query.limit else None,
        )
