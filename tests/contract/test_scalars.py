"""Single values on the wire (instants, days, money, counts, text, JSON): what is read, and what is invalid data."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.envelope import fingerprint
from shared.contracts.scalars import MAX_DEPTH
from shared.contracts.unreadable import Reason
from tests.contract.wire import (
    COUPON,
    PURCHASE,
    RECORDED,
    SERVER,
    SPECIFICATION,
    binary,
    read,
    reason,
    refusal,
    structured,
)
from tests.kit.cases import cases

TEN = datetime(2026, 3, 1, 10, tzinfo=UTC)
CREDIT = {"entry_id": "pay-1", "account_id": "acct-1", "amount": "5.00", "currency": "USD"}
SETTING = {"account_id": "acct-1", "kind": "tag", "key": "team", "value": "shop"}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth - 1):
        value = [value]
    return value


@cases(
    ("text", "instant"),
    [
        ("2026-03-01T10:00:00Z", TEN),
        ("2026-03-01t10:00:00z", TEN),
        ("2026-03-01T10:00:00+00:00", TEN),
        ("2026-03-01T10:00:00-00:00", TEN),
        ("2026-03-01T18:00:00+08:00", TEN),
        ("2026-03-01T15:30:00+05:30", TEN),
        ("2026-03-01T10:00:00.5Z", TEN.replace(microsecond=500_000)),
        ("2026-03-01T10:00:00.123456789Z", TEN.replace(microsecond=123_456)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2017-01-01T07:59:60.25+08:00", datetime(2016, 12, 31, 23, 59, 59, 250_000, tzinfo=UTC)),
        ("0002-01-01T00:00:00Z", datetime(2, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_in_any_form_of_rfc_3339_is_read_as_utc(text: str, instant: datetime) -> None:
    event = read(structured(time=text))
    assert event.time == instant
    assert event.time.tzinfo is UTC


@cases(
    "text",
    [
        "2026-03-01T10:00:00",
        "2026-03-01 10:00:00Z",
        "2026-03-01",
        "20260301T100000Z",
        "2026-W09-7T10:00:00Z",
        "2026-03-01T10:00Z",
        "2026-03-01T10:00:00+0800",
        "2026-03-01T10:00:00+08",
        "2026-03-01T10:00:00,5Z",
        "2026-03-01T10:00:00.Z",
        "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-03-01T25:00:00Z",
        "2026-03-01T10:00:61Z",
        "2026-03-01T10:00:00+24:00",
        "2026-03-01T10:00:00+08:60",
        "0001-01-01T00:00:00Z",
        "0001-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        " 2026-03-01T10:00:00Z",
        "2026-03-01T10:00:00Z\n",
        "٢٠٢٦-03-01T10:00:00Z",
        "1772359200",
        "TODAY",
    ],
)
def test_a_time_in_another_form_is_no_cloudevent_and_is_named(text: str) -> None:
    refused = refusal(structured(time=text))
    assert refused.reason is Reason.NOT_CLOUDEVENTS
    assert refused.detail.startswith("time: ")


def credit(amount: Any) -> bytes:
    return structured({**CREDIT, "amount": amount}, type="tenure.account.credited.v1")


@pytest.mark.parametrize("amount", ["0.01", "5.00", "05.00", "999999999999999.99"])
def test_money_is_a_decimal_string_with_two_decimals(amount: str) -> None:
    assert read(credit(amount)).data.amount == Decimal(amount)


@cases(
    "amount",
    [
        5,
        5.0,
        "5",
        "5.0",
        "5.000",
        "5,00",
        " 5.00",
        "5.00\n",
        "+5.00",
        "1e2",
        "NaN",
        "٥.٠٠",
        "1" * 16 + ".00",
        None,
        True,
        "0.00",
        "-0.00",
        "-5.00",
    ],
)
def test_an_amount_in_another_form_or_not_above_zero_is_invalid_data(amount: Any) -> None:
    refused = refusal(credit(amount))
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith("data.amount: ")


@cases("currency", ["usd", "US", "USDX", "", None, 1])
def test_a_currency_is_three_capital_letters(currency: Any) -> None:
    assert (
        reason(structured({**CREDIT, "currency": currency}, type="tenure.account.credited.v1")) is Reason.INVALID_DATA
    )


def coupon(**changes: Any) -> bytes:
    return structured({**COUPON, **changes}, type="tenure.coupon.issued.v1")


def test_a_day_is_a_calendar_day() -> None:
    assert read(coupon(valid_from="2024-02-29")).data.valid_from == date(2024, 2, 29)


@cases(
    "day",
    [
        "2026-02-29",
        "2026-2-1",
        "20260201",
        "2026-W06-1",
        "2026-02-01T00:00:00Z",
        "01/02/2026",
        1772323200,
        None,
        True,
        "",
    ],
)
def test_a_day_in_another_form_is_invalid_data_and_is_named(day: Any) -> None:
    refused = refusal(coupon(valid_from=day))
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith("data.valid_from: ")


@cases(
    "changes",
    [
        {"percent_off": 10},
        {"amount_off": None},
        {"amount_off": None, "percent_off": 0},
        {"amount_off": None, "percent_off": 101},
        {"amount_off": None, "percent_off": "10"},
        {"amount_off": None, "percent_off": 10.5},
        {"minimum_spend": "-0.01"},
        {"valid_from": "2026-03-01", "valid_until": "2026-02-28"},
    ],
)
def test_a_coupon_takes_off_either_an_amount_or_a_percentage_within_its_bounds(changes: dict[str, Any]) -> None:
    assert reason(coupon(**changes)) is Reason.INVALID_DATA


@pytest.mark.parametrize("percent", [1, 10.0, 100])
def test_a_coupon_of_a_percentage_is_read(percent: float) -> None:
    assert read(coupon(amount_off=None, percent_off=percent)).data.percent_off == percent


def test_a_coupon_may_be_valid_on_a_single_day() -> None:
    assert read(coupon(valid_from="2026-02-28", valid_until="2026-02-28")).data.valid_from == date(2026, 2, 28)


@cases("cores", ["4", 4.5, -4.0, True, None, [], -1, 1_000_000_001, 10**30, -(10**30)])
def test_a_count_is_a_whole_number_within_its_bounds(cores: Any) -> None:
    text = b'{"account_id":"acct-1","server_id":"srv-1","cores":%s}' % json_number(cores)
    refused = refusal(text, binary())
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith("data.cores: ")


def json_number(value: Any) -> bytes:
    words = {True: b"true", None: b"null"}
    return words[value] if value is True or value is None else repr(value).replace("'", '"').encode()


@pytest.mark.parametrize("flag", ["true", 1, 0, None])
def test_a_flag_is_true_or_false_and_nothing_like_it(flag: Any) -> None:
    value = structured({**PURCHASE, "terms_accepted": flag}, type="tenure.purchase.ordered.v1")
    assert refusal(value).detail.startswith("data.terms_accepted: ")


@cases(
    "changes",
    [
        {"edition": "basic"},
        {"edition": "Ultimate"},
        {"edition": None},
        {"protection_mode": "half"},
        {"value_added": {"coffee": 1}},
        {"value_added": {"honeypot": "20"}},
        {"value_added": {"honeypot": 20.5}},
        {"value_added": []},
        {"protected_servers": -1},
        {"cores": None},
    ],
)
def test_a_wrong_type_enum_or_feature_in_a_specification_is_invalid_data(changes: dict[str, Any]) -> None:
    data = {**PURCHASE, "specification": {**SPECIFICATION, **changes}}
    refused = refusal(structured(data, type="tenure.purchase.ordered.v1"))
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith("data.specification.")


def test_a_snapshot_names_each_server_once() -> None:
    server = {"server_id": "srv-1", "cores": 4}
    data = {"account_id": "acct-1", "servers": [server, server]}
    assert reason(structured(data, type="tenure.inventory.snapshot.v1")) is Reason.INVALID_DATA


@pytest.mark.parametrize("part", [b'"note":"\\u0000"', b'"a\\u0000b":1', b'"note":{"a":["\\u0000"]}'])
def test_text_with_nul_is_invalid_data_wherever_it_stands(part: bytes) -> None:
    assert reason(structured()[:-1] + b"," + part + b"}") is Reason.INVALID_DATA


def test_nul_behind_a_thousand_levels_is_found() -> None:
    deep = b"[" * 1000 + b'"\\u0000"' + b"]" * 1000
    assert reason(structured()[:-1] + b',"note":' + deep + b"}") is Reason.INVALID_DATA


def test_nul_in_a_header_with_an_attribute_is_invalid_data() -> None:
    assert reason(b"{}", [*binary(), ("ce_note", b"a\0b")]) is Reason.INVALID_DATA


def test_text_that_only_spells_nul_is_read() -> None:
    assert read(structured({**SERVER, "name": "\\u0000"})).data.name == "\\u0000"


@pytest.mark.parametrize("part", [b'"note":"\\ud800"', b'"\\udfff":1', b'"note":"a\\ud83dz"', b'"note":"\xed\xa0\x80"'])
def test_text_with_a_lone_surrogate_is_invalid_data(part: bytes) -> None:
    assert reason(structured()[:-1] + b"," + part + b"}") is Reason.INVALID_DATA


def test_a_pair_of_surrogates_is_text() -> None:
    value = structured({**SERVER, "name": "x"}).replace(b'"x"', b'"\\ud83d\\ude00"')
    assert read(value).data.name == "\U0001f600"


def test_a_number_beyond_a_double_is_invalid_data() -> None:
    assert reason(structured()[:-1] + b',"note":1e999}') is Reason.INVALID_DATA


def recorded(value: Any) -> bytes:
    return structured({**SETTING, "value": value}, type=RECORDED)


@cases("value", [None, True, 1.5, "", "text", [], {}, {"a": [None, {"b": "ä"}]}, 2**63])
def test_any_json_is_taken_as_the_value_of_a_setting(value: Any) -> None:
    assert read(recorded(value)).data.value == value


def test_json_nested_to_the_limit_is_kept_and_deeper_json_is_invalid_data() -> None:
    assert fingerprint(read(recorded(nested(MAX_DEPTH))))
    assert refusal(recorded(nested(MAX_DEPTH + 1))).detail.startswith("data.value: ")
    tags = {**SERVER, "tags": {"a": nested(MAX_DEPTH)}}
    assert reason(structured(tags)) is Reason.INVALID_DATA
