"""Numbers of events in: the reader takes what the published schemas take, and no number changes unnoticed."""

import json
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from shared.contracts.envelope import fingerprint
from shared.contracts.schemas import MESSAGE_TYPES, schema
from shared.contracts.unreadable import Reason, Unreadable
from shared.web.examples import examples
from tests.contract.wire import RECORDED, SERVER, binary, envelope, read, refusal
from tests.kit.cases import cases

INCOMING = sorted(name for name, message in MESSAGE_TYPES.items() if message.direction == "in")
SETTING = {"account_id": "acct-1", "kind": "tag", "key": "env"}
NUMBERS = (
    *("0", "-0", "-0.0", "1", "1.0", "1.5", "12.0", "12.00", "1e1", "1.2e1", "-1", "-1.0", "100", "100.0", "101"),
    *("1000000000", "1e9", "1000000001", "1000000001.0", "1e15", "1000000000000001"),
    *("9007199254740991", "9007199254740991.0", "9007199254740992", "9007199254740993", "9007199254740993.0"),
    *("18446744073709551615", "18446744073709551616", "100000000000000000000", "1e20", "1e300", "1e-400"),
    *("4.00000000000000000001", "true", '"1"', "null", "[]"),
)
KEPT = ("0", "1.0", "1.5", "-0.1", "0.1", "3.141592653589793", "1e22", "1e-7", "5e-324", "18446744073709551615")
NARROWED = (
    *("12345678901234567890123", "18446744073709551617", "-9223372036854775809"),
    *("0.1000000000000000055511151231257827", "3.14159265358979323846", "1e-400", "1e-99999999999999999999"),
)


def integers(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where integers are in a document."""
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from integers(child, (*path, key))
    elif type(node) is int:
        yield path


def with_number(document: Any, path: tuple[Any, ...], text: str) -> bytes:
    """The document as JSON, with the text of a number at the path."""
    changed = deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = "@@"
    return json.dumps(changed).replace('"@@"', text).encode()


def float_or_text(text: str) -> float | str:
    return float(text) if Decimal(text) == Decimal(repr(float(text))) else text


PLACES = [(name, path) for name in INCOMING for path in integers(examples()[name]) if not {"tags", "value"} & set(path)]


@cache
def judge(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def is_readable(value: bytes) -> bool:
    try:
        read(value)
    except Unreadable:
        return False
    return True


@pytest.mark.slow
@cases(("name", "path"), PLACES)
def test_an_integer_is_read_where_the_published_schema_takes_it(name: str, path: tuple[Any, ...]) -> None:
    for text in NUMBERS:
        value = with_number(examples()[name], path, text)
        exact = json.loads(value, parse_float=float_or_text)
        assert is_readable(value) == judge(name).is_valid(exact), text


@cases("text", ["0.00", "-0.00", "0.01", "-0.01", "-1.00", "999999999999999.99", "1" * 16 + ".00"])
def test_a_minimum_spend_is_read_where_the_published_schema_takes_it(text: str) -> None:
    coupon = deepcopy(examples()["tenure.coupon.issued.v1"])
    coupon["data"]["minimum_spend"] = text
    validator = Draft202012Validator(schema("tenure.coupon.issued.v1"))
    assert is_readable(json.dumps(coupon).encode()) == validator.is_valid(coupon)


@pytest.mark.parametrize("text", ["12.0", "1.2e1", "120e-1"])
def test_an_integer_with_a_zero_fraction_is_the_same_content_as_without(text: str) -> None:
    name, path = "tenure.renewal.ordered.v1", ("data", "duration_months")
    plain, other = (read(with_number(examples()[name], path, number)) for number in ("12", text))
    assert (type(other.data.duration_months), other.data.duration_months) == (int, 12)
    assert fingerprint(other) == fingerprint(plain)


def recorded(text: str) -> bytes:
    return json.dumps(envelope({**SETTING, "value": {"deep": ["@@"]}}, type=RECORDED)).replace('"@@"', text).encode()


@cases("text", KEPT)
def test_a_number_that_a_double_or_64_bits_hold_is_kept(text: str) -> None:
    [number] = read(recorded(text)).data.value["deep"]
    assert number == json.loads(text)
    assert type(number) is type(json.loads(text))


@cases("text", NARROWED)
def test_a_number_that_would_lose_digits_is_refused_and_named(text: str) -> None:
    refused = refusal(recorded(text))
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith("data.value: ")


def test_a_number_that_would_lose_digits_is_refused_in_binary_mode_too() -> None:
    value = json.dumps({**SETTING, "value": "@@"}).replace('"@@"', "12345678901234567890123").encode()
    assert refusal(value, binary(type=RECORDED)).detail.startswith("data.value: ")


def test_numbers_of_unknown_fields_are_ignored_however_many_digits_they_have() -> None:
    value = json.dumps(envelope({**SERVER, "cores": 4.0, "note": "@@"})).replace('"@@"', "0." + "1" * 40).encode()
    assert read(value).data.cores == 4


def test_a_number_in_a_tag_is_held_to_the_same() -> None:
    value = json.dumps(envelope({**SERVER, "tags": {"price": "@@"}})).replace('"@@"', "0." + "1" * 40).encode()
    assert refusal(value).detail.startswith("data.tags: ")
