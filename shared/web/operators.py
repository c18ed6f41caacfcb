"""Routers for operators: who may call them, and how they refuse, is the same everywhere."""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Depends

from shared.web.auth import AuthenticatedRoute, operators_only
from shared.web.problems import problems

_PROBLEMS: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def operators_router(prefix: str, tag: str, *more_problems: HTTPStatus) -> APIRouter:
    """A router without routes yet, for callers with the scope `operator`.

    `tag`: its group in the OpenAPI document; `more_problems`: what it may answer beside 401, 403, 422 and 503.
    """
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        dependencies=[Depends(operators_only)],
        route_class=AuthenticatedRoute,
        responses=problems(*sorted({*_PROBLEMS, *more_problems})),
    )
