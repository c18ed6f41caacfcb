"""What HTTP counts of itself, for Prometheus: answers by status, and open connections."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge

STATUSES: Final = (
    HTTPStatus.OK,
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.CONFLICT,
    HTTPStatus.GONE,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
"""Shown with 0 from the start, so that the first answer of a kind is a rise."""


def answer_counter(registry: CollectorRegistry) -> Callable[[int], None]:
    """A function that counts one answer with the status that it is given."""
    answers = Counter("tenure_http_answers_total", "Answers of HTTP by status.", ["status"], registry=registry)
    for status in STATUSES:
        answers.labels(status=str(int(status)))
    return lambda status: answers.labels(status=str(int(status))).inc()


def show_connections(registry: CollectorRegistry, count: Callable[[], int]) -> None:
    """`count` is called at each scrape."""
    Gauge("tenure_http_connections", "Open connections of HTTP.", registry=registry).set_function(count)
