"""The contract's page: fields in words, every type with an example, and every reason of a dead letter explained."""

import json
import re
from typing import Any

import pytest

from shared.contracts.reference import sections, type_of
from shared.contracts.schemas import MESSAGE_TYPES, schema
from shared.contracts.unreadable import Reason
from subscription_service.domain.orders import OrderStatus
from tests import contract_page
from tests.kit.cases import cases
from tests.pages import DOCS


@cases(
    ("field", "words"),
    [
        ({"$ref": "#/$defs/Term"}, "[Term](#term)"),
        ({"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}, "day or null"),
        ({"type": "array", "items": {"type": "integer", "minimum": 1}}, "list of integer from 1"),
        ({"type": "integer", "exclusiveMinimum": 0, "maximum": 100}, "integer from 1 to 100"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object, name → integer"),
        ({"type": "string", "minLength": 1, "maxLength": 2000}, "text of 1 to 2,000 characters"),
        ({"type": "string", "pattern": "^[A-Z]{3}$"}, "text `^[A-Z]{3}$`"),
        ({"description": "Anything."}, "any JSON"),
    ],
)
def test_the_type_of_a_field_in_words(field: dict[str, Any], words: str) -> None:
    assert type_of(field) == words


def test_every_field_of_every_document_can_be_put_into_words() -> None:
    for name in MESSAGE_TYPES:
        whole = schema(name)
        for part in (whole, *whole.get("$defs", {}).values()):
            assert all(type_of(field) for field in part.get("properties", {}).values() if "properties" not in field)


def test_a_type_without_an_example_is_an_error() -> None:
    with pytest.raises(KeyError):
        sections({})


def test_a_type_that_has_the_data_of_another_refers_to_it() -> None:
    outcomes = contract_page.sections()["events of notification-outcomes"]
    assert outcomes.count("| `notification_id` |") == 1
    assert "The same data as [`tenure.notification.delivered.v1`](#tenure-notification-delivered-v1)." in outcomes


@cases("reason", Reason)
def test_every_reason_of_a_dead_letter_is_explained(reason: Reason) -> None:
    assert f"| `{reason.value}` | " in (DOCS / "contract.md").read_text("utf-8")


def test_every_path_of_http_is_explained_and_no_other() -> None:
    documents = openapi_documents()
    assert len(documents) == 2
    served = {
        (method.upper(), path) for each in documents for path, methods in each["paths"].items() for method in methods
    }
    explained = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^`]*)`", (DOCS / "contract.md").read_text("utf-8")))
    assert explained - {("GET", "/openapi.json")} == served


def test_the_defaults_and_limits_that_the_page_states_are_those_of_the_paths() -> None:
    stated = {
        (path, name, int(default), int(most.replace(",", "")))
        for path, answer in re.findall(
            r"^\| `GET (/[^`]*)` \| (.*)$", (DOCS / "contract.md").read_text("utf-8"), re.MULTILINE
        )
        for name, default, most in re.findall(r"`\?(\w+)=` \((\d+), at most ([\d,]*\d)\)", answer)
    }
    served = {
        (path, one["name"], one["schema"]["default"], one["schema"]["maximum"])
        for each in openapi_documents()
        for path, methods in each["paths"].items()
        for one in methods.get("get", {}).get("parameters", [])
        if {"default", "maximum"} <= one["schema"].keys()
    }
    assert len(stated) > 5
    assert stated <= served


@cases("status", OrderStatus)
def test_every_status_of_an_order_is_named(status: OrderStatus) -> None:
    (row,) = re.findall(
        r"^\| `GET /api/accounts/{account_id}/orders` .*$", (DOCS / "contract.md").read_text("utf-8"), re.MULTILINE
    )
    assert f"`{status.value}`" in row


def openapi_documents() -> list[Any]:
    return [json.loads(path.read_text("utf-8")) for path in (DOCS / "contracts").glob("openapi-*.json")]
