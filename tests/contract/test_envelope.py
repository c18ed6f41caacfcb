"""The way from bytes to an event: both modes, and each reason for which a record cannot be read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from msgspec import structs

from shared.contracts.clock import CLOCK_ADVANCED, ClockAdvanced
from shared.contracts.envelope import (
    FUTURE_TOLERANCE,
    MAX_VALUE_BYTES,
    check_not_in_future,
    check_subject,
    decode,
    encode,
    wire_time,
    with_sequence,
)
from shared.contracts.inbound import INBOUND_EVENTS
from shared.contracts.inventory import ServerRegistered
from shared.contracts.renewals import RENEWAL_EVENTS
from shared.contracts.unreadable import MAX_DETAIL_CHARACTERS, Reason, Unreadable
from tests.contract.wire import (
    MISSING,
    PURCHASE,
    REGISTERED,
    SERVER,
    TRACE,
    binary,
    envelope,
    read,
    reason,
    refusal,
    structured,
)
from tests.kit.cases import cases

ATTRIBUTES = ["specversion", "id", "source", "type", "time", "subject"]
STRUCTURED_HEADERS = [
    [],
    [("content-type", b"application/cloudevents+json")],
    [("Content-Type", b"Application/CloudEvents+JSON; charset=utf-8")],
    [("content-type", b"application/json")],
    [("content-type", None)],
    [("content-type", b"\xff\xfe")],
    [("content-type", b"application/cloudevents+json"), ("ce_id", b"not this one"), ("ce_type", b"\xff")],
    [("other", None), ("binary-thing", b"\xff")],
]
BINARY_HEADERS = [
    [],
    [("content-type", b"application/json")],
    [("Content-Type", b"application/json; charset=utf-8")],
    [("content-type", None)],
    [("ce_dataschema", b"/schemas/server"), ("ce_partitionkey", b"acct-1"), ("unrelated", b"\xff")],
]


@cases("headers", STRUCTURED_HEADERS)
def test_an_event_in_structured_mode_is_read(headers: list[tuple[str, bytes | None]]) -> None:
    event = read(structured(), headers)
    assert (event.id, event.source, event.type, event.subject) == ("evt-1", "/asset-service", REGISTERED, "acct-1")
    assert event.time == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert event.data == ServerRegistered(account_id="acct-1", server_id="srv-1", cores=4)


@cases("headers", BINARY_HEADERS)
def test_an_event_in_binary_mode_is_the_same_event(headers: list[tuple[str, bytes | None]]) -> None:
    event = read(orjson.dumps(SERVER), binary() + headers)
    assert structs.replace(event, fields={}) == structs.replace(read(structured()), fields={})


def test_names_of_binary_headers_are_read_in_any_case() -> None:
    headers = [(name.upper(), value) for name, value in binary()]
    assert read(orjson.dumps(SERVER), headers).id == "evt-1"


def test_data_in_binary_mode_comes_from_the_value_and_never_from_a_header() -> None:
    assert read(orjson.dumps(SERVER), [*binary(), ("ce_data", b"{}")]).data.server_id == "srv-1"


@cases("name", [*ATTRIBUTES, "data"])
def test_a_missing_member_of_the_envelope_is_no_cloudevent_and_is_named(name: str) -> None:
    value = structured(**{name: MISSING}) if name != "data" else structured(MISSING)
    refused = refusal(value)
    assert refused.reason is Reason.NOT_CLOUDEVENTS
    assert refused.detail.startswith(f"{name}: required")


@cases("name", ATTRIBUTES)
def test_a_missing_attribute_in_binary_mode_is_no_cloudevent(name: str) -> None:
    refused = refusal(orjson.dumps(SERVER), binary(**{name: MISSING}))
    assert refused.reason is Reason.NOT_CLOUDEVENTS
    assert refused.detail.startswith(f"{name}: required")


@cases("name", ATTRIBUTES)
@cases("value", [None, "", 1, 1.0, True, [], {}])
def test_an_attribute_that_is_no_text_is_no_cloudevent(name: str, value: Any) -> None:
    assert reason(structured(**{name: value})) is Reason.NOT_CLOUDEVENTS


@pytest.mark.parametrize("version", ["0.3", "1.1", "1", 1.0])
def test_another_version_of_cloudevents_is_not_read(version: Any) -> None:
    assert reason(structured(specversion=version)) is Reason.NOT_CLOUDEVENTS


@cases("value", [b"[]", b"1", b'"text"', b"null", b"true", b"[{}]", b"{}"])
def test_json_that_is_no_object_is_no_cloudevent(value: bytes) -> None:
    assert reason(value) is Reason.NOT_CLOUDEVENTS


def test_a_batch_of_cloudevents_is_no_cloudevent() -> None:
    headers = [("content-type", b"application/cloudevents-batch+json")]
    assert reason(orjson.dumps([envelope()]), headers) is Reason.NOT_CLOUDEVENTS


@cases(
    "value",
    [
        None,
        b"",
        b" ",
        b"hello",
        b"{",
        b"{'id': 1}",
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": 1,}',
        b"\xff\xfe",
        b'{"id": "\xff"}',
        b"\xef\xbb\xbf{}",
        '{"id": "x"}'.encode("utf-16"),
        b'{"id": "\x00"}',
        b"[" * 100_000,
        b"<event/>",
    ],
)
def test_what_is_not_json_is_said_to_be_so(value: bytes | None) -> None:
    assert reason(value) is Reason.NOT_JSON


def test_a_tombstone_in_binary_mode_is_not_json() -> None:
    assert reason(None, binary()) is Reason.NOT_JSON


def test_a_header_that_is_not_utf8_is_no_cloudevent_when_an_attribute_stands_in_it() -> None:
    refused = refusal(orjson.dumps(SERVER), [*binary(), ("ce_note", b"\xff")])
    assert (refused.reason, refused.detail) == (Reason.NOT_CLOUDEVENTS, "header ce_note: expected UTF-8")


def test_a_value_of_a_million_bytes_is_read_and_one_byte_more_is_too_large() -> None:
    room = MAX_VALUE_BYTES - len(structured(padding=""))
    assert read(structured(padding="x" * room)).id == "evt-1"
    assert reason(structured(padding="x" * (room + 1))) is Reason.TOO_LARGE


def test_an_unknown_type_is_named() -> None:
    refused = refusal(structured(type="tenure.server.painted.v1"))
    assert refused.reason is Reason.UNKNOWN_TYPE
    assert "'tenure.server.painted.v1'" in refused.detail


def test_a_type_on_another_topic_than_its_own_is_unknown_there() -> None:
    with pytest.raises(Unreadable) as refused:
        decode(structured(PURCHASE, type="tenure.purchase.ordered.v1"), [], RENEWAL_EVENTS)
    assert refused.value.reason is Reason.UNKNOWN_TYPE


@cases("data", [None, [], "text", 1, True, [SERVER]])
def test_data_that_is_no_object_is_invalid_data(data: Any) -> None:
    assert reason(structured(data)) is Reason.INVALID_DATA
    assert reason(orjson.dumps(data), binary()) is Reason.INVALID_DATA


@cases("name", ["id", "subject"])
@cases("value", ["a b", "a/b", "é", "a\n", " a", "x" * 129, "a\u0660"])
def test_an_id_beyond_its_characters_or_its_length_is_invalid_data_and_is_named(name: str, value: str) -> None:
    refused = refusal(structured(**{name: value}))
    assert refused.reason is Reason.INVALID_DATA
    assert refused.detail.startswith(f"{name}: ")


@pytest.mark.parametrize("value", ["a", "x" * 128, "A-Z.a_z:0-9", "urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66"])
def test_an_id_within_its_characters_and_its_length_is_read(value: str) -> None:
    assert read(structured(id=value)).id == value


@pytest.mark.parametrize("source", ["x" * 513, "/a b", "/é", "/a\n"], ids=ascii)
def test_a_source_that_is_no_uri_reference_of_512_is_invalid_data(source: str) -> None:
    assert reason(structured(source=source)) is Reason.INVALID_DATA


@pytest.mark.parametrize("source", ["x" * 512, "/asset-service", "urn:asset:1", "https://example.com/a?b=c#d"])
def test_a_source_within_512_characters_is_read(source: str) -> None:
    assert read(structured(source=source)).source == source


def test_unknown_fields_are_ignored_in_the_envelope_and_in_the_data() -> None:
    event = read(structured({**SERVER, "colour": "red"}, dataschema="/s", partitionkey="k", colour={"a": [1]}))
    assert event.data == read(structured()).data
    assert event.fields["colour"] == {"a": [1]}


def test_fields_that_are_not_wanted_are_left_out_and_the_rest_of_the_event_is_the_same() -> None:
    value = structured()
    event = decode(value, (), INBOUND_EVENTS, keep_fields=False)
    assert event == structs.replace(read(value), fields={})


def test_of_two_fields_with_one_name_the_last_one_counts() -> None:
    assert read(structured()[:-1] + b',"id":"evt-2"}').id == "evt-2"


def test_the_detail_of_a_refusal_has_a_limit() -> None:
    refused = refusal(orjson.dumps(SERVER), [*binary(), (f"ce_{'n' * 90_000}", b"\xff")])
    assert len(refused.detail) <= MAX_DETAIL_CHARACTERS
    purchase = {**PURCHASE, "specification": {**PURCHASE["specification"], "value_added": {"n" * 90_000: 1}}}  # type: ignore[dict-item]
    refused = refusal(structured(purchase, type="tenure.purchase.ordered.v1"))
    assert len(refused.detail) == MAX_DETAIL_CHARACTERS


def test_the_subject_is_the_account_of_the_data() -> None:
    check_subject(read(structured()))
    with pytest.raises(Unreadable) as refused:
        check_subject(read(structured(subject="acct-2")))
    assert refused.value.reason is Reason.SUBJECT_MISMATCH
    assert "'acct-1'" in refused.value.detail


@pytest.mark.parametrize("ahead", [timedelta(days=-3650), timedelta(0), FUTURE_TOLERANCE])
def test_a_time_up_to_five_minutes_ahead_is_taken(ahead: timedelta) -> None:
    event = read(structured())
    check_not_in_future(event, event.time - ahead)


@pytest.mark.parametrize("beyond", [timedelta(microseconds=1), timedelta(seconds=1), timedelta(days=365_000)])
def test_a_time_further_ahead_lies_in_the_future(beyond: timedelta) -> None:
    event = read(structured())
    with pytest.raises(Unreadable) as refused:
        check_not_in_future(event, event.time - FUTURE_TOLERANCE - beyond)
    assert refused.value.reason is Reason.TIME_IN_FUTURE


def test_the_trace_is_taken_from_the_envelope_before_the_kafka_header() -> None:
    other = TRACE.replace("4", "5")
    assert read(structured(traceparent=TRACE), [("traceparent", other.encode())]).traceparent == TRACE
    assert read(structured(), [("traceparent", other.encode())]).traceparent == other
    assert read(orjson.dumps(SERVER), binary(traceparent=TRACE)).traceparent == TRACE
    assert read(orjson.dumps(SERVER), [*binary(), ("traceparent", TRACE.encode())]).traceparent == TRACE
    assert read(structured()).traceparent is None


@cases(
    "odd",
    [
        *("", "x" * 55, TRACE.upper(), TRACE + "\n", TRACE[:-1], f"{TRACE}-00", 7, [TRACE]),
        *(f"ff{TRACE[2:]}", f"00-{'0' * 32}{TRACE[35:]}", f"{TRACE[:36]}{'0' * 16}-01"),
    ],
)
def test_an_odd_trace_is_left_behind_and_the_event_is_read(odd: Any) -> None:
    assert read(structured(traceparent=odd)).traceparent is None


@pytest.mark.parametrize("odd", [None, b"", b"\xff" * 55, b"x" * 55])
def test_an_odd_trace_header_is_left_behind(odd: bytes | None) -> None:
    assert read(structured(), [("traceparent", odd)]).traceparent is None


def test_an_event_is_written_in_structured_mode_with_its_sequence_last() -> None:
    value = with_sequence(encode({"id": "e", "time": "t"}, b'{"a":1}'), 12)
    assert value == (
        b'{"specversion":"1.0","datacontenttype":"application/json","id":"e","time":"t","data":{"a":1},"sequence":12}'
    )


@pytest.mark.parametrize(
    ("instant", "text"),
    [
        (datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01T10:00:00Z"),
        (datetime(2026, 3, 1, 10, 0, 0, 250_000, tzinfo=UTC), "2026-03-01T10:00:00.250000Z"),
        (datetime.fromisoformat("2026-03-01T10:00:00+08:00"), "2026-03-01T02:00:00Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_a_fraction_only_where_there_is_one(instant: datetime, text: str) -> None:
    assert wire_time(instant) == text


def test_an_advance_of_the_clock_needs_no_subject() -> None:
    advance = {
        "specversion": "1.0",
        "id": "advance-1",
        "source": "/test",
        "type": CLOCK_ADVANCED,
        "time": "2026-01-01T00:00:00Z",
        "data": {"now": "2026-01-02T00:00:00Z"},
    }
    event = decode(orjson.dumps(advance), [], {CLOCK_ADVANCED: ClockAdvanced})
    assert event.data.now == datetime(2026, 1, 2, tzinfo=UTC)
