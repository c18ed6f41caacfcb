"""What goes wrong over HTTP, told as RFC 9457 problem documents: every error of both services looks the same.

Routes and guards raise `Problem`; `install` makes the framework's own errors, and a database that is away, look so too.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.runtime.errors import Transient

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_SECONDS: Final = "1"

logger = logging.getLogger(__name__)


class Problem(Exception):
    """Ends a request. `detail` is a sentence for the caller, without secrets; `code` a word for programs."""

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.code = code


class ProblemDocument(BaseModel):
    """RFC 9457; `type` is always `about:blank`, so `title` says what `status` means. `code`: for programs, if any."""

    type: str = "about:blank"
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such message."])
    code: str | None = Field(default=None, examples=["invalid_duration"])


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """For a route's `responses`: the problems that it can answer with."""
    return {int(status): {"model": ProblemDocument, "description": status.phrase} for status in statuses}


def install(app: FastAPI) -> None:
    """Every error that leaves `app` is a problem document."""
    app.add_exception_handler(Problem, _told)
    app.add_exception_handler(HTTPException, _of_framework)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Transient, _away)
    app.add_exception_handler(Exception, _unexpected)


def in_problem_json(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with errors under their true media type, which FastAPI cannot be told."""
    for path in openapi.get("paths", {}).values():
        for operation in path.values():
            for status, response in operation.get("responses", {}).items():
                content = response.get("content", {})
                if status >= "400" and "application/json" in content:
                    content[MEDIA_TYPE] = content.pop("application/json")
    return openapi


def _answer(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, code: str | None = None
) -> Response:
    document = ProblemDocument(title=status.phrase, status=status, detail=detail, code=code)
    return JSONResponse(document.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE)


def _told(_: Request, problem: Any) -> Response:
    return _answer(problem.status, problem.detail, problem.headers, problem.code)


def _of_framework(request: Request, error: Any) -> Response:
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {status.phrase.lower()}."
    return _answer(status, detail, error.headers)


def _invalid(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}.")


def _away(_: Request, __: Exception) -> Response:
    return _answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Something that this service needs is away just now; please try again.",
        {"Retry-After": _RETRY_AFTER_SECONDS},
    )


def _unexpected(request: Request, error: Exception) -> Response:
    logger.error("%s %s failed: %r", request.method, request.url.path, type(error))
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "This should not have happened; the log says more.")
