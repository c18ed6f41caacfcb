"""The published files: they are up to date, and the OpenAPI documents are valid."""

import json

import pytest
from openapi_spec_validator import validate

from tests.published import PUBLISHED, outdated


@pytest.mark.slow
def test_the_published_contracts_are_current() -> None:
    assert outdated(PUBLISHED) == [], "run `make docs`"


@pytest.mark.slow
@pytest.mark.parametrize("service", ["subscription", "notifier"])
def test_the_published_openapi_document_is_valid(service: str) -> None:
    validate(json.loads((PUBLISHED / f"openapi-{service}.json").read_text("utf-8")))
