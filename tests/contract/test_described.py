"""Every field of a published contract has a description and an example, and the example is valid."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

from shared.contracts.asyncapi import document
from shared.contracts.schemas import MESSAGE_TYPES
from shared.contracts.schemas import schema as make_schema
from tests.kit.cases import cases

Node = Mapping[str, Any]
schema = cache(make_schema)
"""The schema of a record's value by its name, made once; nobody changes it."""


def target(whole: Node, node: Node) -> Node:
    """The node itself, or the definition that it refers to."""
    reference = node.get("$ref", "")
    return whole["$defs"][reference.removeprefix("#/$defs/")] if reference else node


def fields(whole: Node, node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """Path -> schema of every property, through lists, maps and unions."""
    for name, field in node.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from fields(whole, field, f"{path}.{name}")
    for part in parts(node):
        yield from fields(whole, part, path)


def parts(node: Node) -> Iterator[Node]:
    yield from node.get("anyOf", ())
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            yield node[key]


def every_field(name: str) -> list[tuple[str, Node]]:
    whole = schema(name)
    found = list(fields(whole, whole, name))
    for part, definition in whole.get("$defs", {}).items():
        found += fields(whole, definition, f"{name}#{part}")
    return found


def has_description(whole: Node, field: Node) -> bool:
    return bool(field.get("description") or target(whole, field).get("description"))


def has_example(whole: Node, field: Node) -> bool:
    """An object is exemplified by its own fields, which are looked at for themselves; so is a list of objects."""
    shown = {"examples", "const", "enum", "properties"} & target(whole, field).keys() or "examples" in field
    return bool(shown) or any(has_example(whole, part) for part in parts(field))


@cases("name", sorted(MESSAGE_TYPES))
def test_every_field_has_a_description_and_an_example(name: str) -> None:
    whole, found = schema(name), every_field(name)
    assert found
    assert [path for path, field in found if not has_description(whole, field)] == []
    assert [path for path, field in found if not has_example(whole, field)] == []


@cases("name", sorted(MESSAGE_TYPES))
def test_every_contract_has_a_docstring_of_its_own(name: str) -> None:
    contract = MESSAGE_TYPES[name].contract
    assert schema(name)["description"]
    assert not str(contract.__doc__).startswith(f"{contract.__name__}(")


@cases("name", sorted(MESSAGE_TYPES))
def test_every_example_is_valid(name: str) -> None:
    whole = schema(name)
    for path, field in every_field(name):
        validator = Draft202012Validator({**field, "$defs": whole.get("$defs", {})}, format_checker=FormatChecker())
        for example in field.get("examples", ()):
            assert list(validator.iter_errors(example)) == [], path


@pytest.mark.parametrize("service", ["subscription", "notifier"])
def test_every_header_has_a_description_and_an_example(service: Any) -> None:
    messages = document(service, test_clock=True, version="1")["components"]["messages"]
    for message in messages.values():
        for name, header in message["headers"]["properties"].items():
            assert has_description({}, header), name
            assert has_example({}, header), name
