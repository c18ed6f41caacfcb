"""Golden documents: one for each type on the wire, and each reads and writes back as itself."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from shared.contracts import schemas
from shared.contracts.envelope import (
    adapter,
    decode,
    encode,
    json_reader,
    to_json,
    with_sequence,
)
from shared.contracts.lifecycle_parts import LifecycleMetadata
from shared.contracts.schemas import MESSAGE_TYPES, STATE, MessageType
from tests.kit.cases import cases
from tests.published import PUBLISHED

GOLDEN = Path(str(files("shared.contracts").joinpath("examples")))
ALL = sorted(path.stem for path in GOLDEN.iterdir())
STATES = [name for name in ALL if name.partition("~")[0] == STATE]
EVENTS = [name for name in ALL if name not in STATES]


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def type_of(name: str) -> MessageType:
    """A golden document is named for its type, or for type and case: `type~case`."""
    return MESSAGE_TYPES[name.partition("~")[0]]


OUTGOING = [name for name in EVENTS if type_of(name).direction == "out"]


def accepts(name: str) -> dict[str, type[Any]]:
    return {type_of(name).event_type: type_of(name).contract}


def written_back(name: str, data: Any, value: Any) -> dict[str, Any]:
    """The data as JSON; what comes in may leave defaults out, what goes out leaves out nothing."""
    message = type_of(name)
    exclude = message.direction == "in"
    own: dict[str, Any] = adapter(message.contract).dump_python(data, mode="json", exclude_defaults=exclude)
    if not message.has_metadata:
        return own
    metadata = adapter(LifecycleMetadata).validate_python(value)
    return {**adapter(LifecycleMetadata).dump_python(metadata, mode="json"), **own}


def test_every_type_has_a_golden_document_and_every_golden_document_a_type() -> None:
    assert {name.partition("~")[0] for name in ALL} == set(MESSAGE_TYPES) <= set(ALL)


@cases("name", EVENTS)
def test_a_golden_event_is_read_and_written_back_as_it_was(name: str) -> None:
    event = decode(golden(name), [], accepts(name))
    wire = orjson.loads(golden(name))
    assert written_back(name, event.data, wire["data"]) == wire["data"]
    assert event.fields == wire


@cases("name", OUTGOING)
def test_an_outgoing_event_is_encoded_to_its_golden_document(name: str) -> None:
    wire = orjson.loads(golden(name))
    event = decode(golden(name), [], accepts(name))
    sequence = wire.pop("sequence", None)
    data = orjson.dumps(written_back(name, event.data, wire.pop("data")))
    del wire["specversion"], wire["datacontenttype"]
    value = encode(wire, data)
    assert orjson.loads(with_sequence(value, sequence) if sequence else value) == orjson.loads(golden(name))


@cases("name", EVENTS)
def test_what_is_written_is_to_the_byte_what_the_contracts_validator_would_write(name: str) -> None:
    contract = type_of(name).contract
    data = decode(golden(name), [], accepts(name)).data
    assert to_json(data) == adapter(contract).dump_json(data)


@pytest.mark.parametrize("name", STATES)
def test_a_state_document_is_read_and_written_back_as_it_was(name: str) -> None:
    document = adapter(MESSAGE_TYPES[STATE].contract).validate_json(golden(name))
    assert orjson.loads(to_json(document)) == orjson.loads(golden(name))
    assert to_json(document) == adapter(MESSAGE_TYPES[STATE].contract).dump_json(document)


def test_what_was_stored_is_read_as_it_was() -> None:
    document = adapter(MESSAGE_TYPES[STATE].contract).validate_json(golden(STATE))
    for stored in (document.specification, *document.terms):
        assert json_reader(type(stored))(to_json(stored)) == stored


@pytest.mark.slow
@cases("name", ALL)
def test_a_golden_document_keeps_to_its_published_schema(name: str) -> None:
    published_schema(type_of(name).name).validate(json.loads(golden(name)))


@cache
def published_schema(name: str) -> Draft202012Validator:
    """What judges by the schema, which is a valid one itself."""
    schema = json.loads((PUBLISHED / "schemas" / f"{name}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


@cases("name", sorted(MESSAGE_TYPES))
def test_a_document_without_any_one_of_its_required_fields_breaks_its_schema(name: str) -> None:
    judge = Draft202012Validator(schemas.schema(name))
    wire = json.loads(golden(name))
    for field in judge.schema["required"]:
        assert not judge.is_valid({other: value for other, value in wire.items() if other != field}), field


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("tenure.subscription.renewed.v1", {"currency"}),
        ("tenure.subscription.auto_renewal_failed.v1", {"currency"}),
        ("tenure.subscription.specification_changed.v1", {"currency"}),
        ("tenure.subscription.order_rejected.v1", {"feature", "range"}),
    ],
)
def test_an_event_from_before_a_field_was_added_is_read_without_it(name: str, added: set[str]) -> None:
    wire = orjson.loads(golden(name))
    for field in added:
        del wire["data"][field]
    event = decode(orjson.dumps(wire), [], {name: MESSAGE_TYPES[name].contract})
    assert [getattr(event.data, field) for field in added] == [None] * len(added)
