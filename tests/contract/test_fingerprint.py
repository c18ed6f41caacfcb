"""The fingerprint: the same content always gives the same sixteen bytes, other content others (R39)."""

from typing import Any

import orjson
import pytest

from shared.contracts.envelope import fingerprint
from tests.contract.wire import PURCHASE, RECORDED, REGISTERED, SERVER, SPECIFICATION, binary, read, structured
from tests.kit.cases import cases

PURCHASED = "tenure.purchase.ordered.v1"


def print_of(data: Any, type_: str = PURCHASED, **attributes: Any) -> bytes:
    return fingerprint(read(structured(data, type=type_, **attributes)))


def backwards(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: backwards(value[name]) for name in reversed(value)}
    return value


@pytest.mark.rule("R39")
def test_the_order_of_the_fields_and_the_space_between_them_do_not_count() -> None:
    spaced = orjson.dumps(orjson.loads(structured(backwards(PURCHASE), type=PURCHASED)), option=orjson.OPT_INDENT_2)
    assert fingerprint(read(spaced)) == print_of(PURCHASE)
    setting = {"account_id": "a", "kind": "tag", "key": "k", "value": {"a": {"b": 1, "c": 2}, "d": 3}}
    assert print_of(setting, RECORDED) == print_of(backwards(setting), RECORDED)


@pytest.mark.rule("R39")
def test_the_mode_the_envelope_and_fields_that_are_not_read_do_not_count() -> None:
    expected = print_of(PURCHASE)
    assert len(expected) == 16
    assert print_of(PURCHASE, id="evt-9", source="/other", time="2026-04-01T00:00:00Z") == expected
    assert print_of({**PURCHASE, "colour": "red"}) == expected
    assert fingerprint(read(orjson.dumps(PURCHASE), binary(type=PURCHASED))) == expected


@pytest.mark.rule("R39")
def test_what_is_left_out_is_the_same_as_its_default() -> None:
    contact = {**PURCHASE["contact"], "locale": "en", "time_zone": "UTC"}  # type: ignore[dict-item]
    assert print_of({**PURCHASE, "contact": contact}) == print_of(PURCHASE)
    assert print_of({**SERVER, "name": None}, REGISTERED) == print_of(SERVER, REGISTERED)


@pytest.mark.rule("R39")
@cases(
    "changes",
    [
        {"order_id": "ord-2"},
        {"duration_months": 2},
        {"auto_renewal": False},
        {"contact": {"name": "Lin Wei", "email": "other@example.com"}},
        {"specification": {**SPECIFICATION, "value_added": {}}},
        {"specification": {**SPECIFICATION, "cores": 21}},
    ],
)
def test_other_content_has_another_fingerprint(changes: dict[str, Any]) -> None:
    assert print_of({**PURCHASE, **changes}) != print_of(PURCHASE)


@pytest.mark.rule("R39")
def test_another_type_has_another_fingerprint() -> None:
    server = {"account_id": "acct-1", "server_id": "srv-1"}
    assert print_of(server, "tenure.server.bound.v1") != print_of(server, "tenure.server.unbound.v1")
