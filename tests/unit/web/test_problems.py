"""Problem documents: what their titles are called."""

from http import HTTPStatus

from shared.web.problems import phrase
from tests.kit.cases import cases


@cases(("status", "expected"), [(413, "Content Too Large"), (422, "Unprocessable Content"), (404, "Not Found")])
def test_a_status_is_called_as_in_rfc_9110_on_every_version_of_python(status: int, expected: str) -> None:
    assert phrase(HTTPStatus(status)) == expected
