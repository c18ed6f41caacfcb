"""HTTP errors as problem documents (RFC 9457): every error of both services has the same form.

Routes raise `Problem`. `install` gives the same form to errors of the framework and to `Transient`,
`middleware.ErrorAnswers` to everything else.
"""

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
_PHRASES: Final[Mapping[HTTPStatus, str]] = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.REQUEST_URI_TOO_LONG: "URI Too Long",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "Range Not Satisfiable",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Content",
}
"""Those of RFC 9110 that Python has since 3.13 only."""


class Problem(Exception):
    """Ends a request with an error.

    `detail` is a sentence for the caller, without secrets; `code` is a stable word for programs.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers
        self.code = code


class ProblemDocument(BaseModel):
    """The body of an error. `type` is always `about:blank`, so `title` is the phrase of `status` (RFC 9457).

    `code` is a word for programs, given where a caller may want to tell cases of one status apart.
    """

    type: str = "about:blank"
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such message."])
    code: str | None = Field(default=None, examples=["invalid_duration"])


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """The errors that a route can answer with, for its `responses` in FastAPI."""
    return {int(status): {"model": ProblemDocument, "description": phrase(status)} for status in statuses}


def phrase(status: HTTPStatus) -> str:
    """The reason phrase of RFC 9110, the same on every version of Python."""
    return _PHRASES.get(status, status.phrase)


def install(app: FastAPI) -> None:
    """Every error that leaves `app` is a problem document."""
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_framework_error)
    app.add_exception_handler(RequestValidationError, _answer_invalid_request)
    app.add_exception_handler(Transient, _answer_unavailable)


def problem_response(problem: Problem) -> Response:
    """The answer that tells a caller of `problem`."""
    return _answer(problem.status, problem.detail, problem.headers, problem.code)


def in_problem_json(openapi: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the problems' media type, which cannot be set through FastAPI's `responses`."""
    operations = [operation for path in openapi.get("paths", {}).values() for operation in path.values()]
    for response in (each for operation in operations for each in operation.get("responses", {}).values()):
        content = response.get("content", {})
        if (
            content.get("application/json", {})
            .get("schema", {})
            .get("$ref", "")
            .endswith(f"/{ProblemDocument.__name__}")
        ):
            content[MEDIA_TYPE] = content.pop("application/json")
    return openapi


def _answer(
    status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None, code: str | None = None
) -> Response:
    storable = detail.encode("utf-8", "replace").decode()  # a value of the request may hold lone surrogates
    document = ProblemDocument(title=phrase(status), status=status, detail=storable, code=code)
    return JSONResponse(document.model_dump(exclude_none=True), status, headers=headers, media_type=MEDIA_TYPE)


def _answer_problem(_: Request, problem: Any) -> Response:
    return problem_response(problem)


def _answer_framework_error(request: Request, error: Any) -> Response:
    status = HTTPStatus(error.status_code)
    detail = f"{request.method} {request.url.path}: {phrase(status).lower()}."
    return _answer(status, detail, _with_head(error.headers or {}))


def _with_head(headers: Mapping[str, str]) -> Mapping[str, str]:
    """`Allow` with `HEAD` beside `GET`: the framework's routes do not know that every path answers both."""
    allowed = headers.get("Allow", "").split(", ")
    return {**headers, "Allow": ", ".join([*allowed, "HEAD"])} if "GET" in allowed else headers


def _answer_invalid_request(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {first['msg']}.")


def _answer_unavailable(_: Request, __: Exception) -> Response:
    return _answer(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "This service cannot reach something that it needs; please try again.",
        {"Retry-After": _RETRY_AFTER_SECONDS},
    )
