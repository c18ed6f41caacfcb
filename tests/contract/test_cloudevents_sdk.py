"""The CloudEvents project's own SDK as the other side: what it writes is read here, what goes out is read by it."""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import kafka
from cloudevents.core.v1.event import CloudEvent
from cloudevents.v1.http import CloudEvent as CloudEventOfVersion1
from cloudevents.v1.kafka import to_binary as to_binary_of_version_1
from cloudevents.v1.kafka import to_structured as to_structured_of_version_1

from shared.contracts.schemas import MESSAGE_TYPES, STATE
from shared.contracts.unreadable import Reason
from shared.web.examples import examples
from tests.contract.wire import ACCEPTS, MISSING, SERVER, TRACE, envelope, read, refusal
from tests.kit.cases import cases

MODES = [kafka.to_structured_event, kafka.to_binary_event]
INCOMING = sorted(ACCEPTS)
OUTGOING = sorted(name for name, message in MESSAGE_TYPES.items() if message.direction == "out" and name != STATE)

Mode = Callable[[CloudEvent], kafka.KafkaMessage]


def golden(name: str) -> Any:
    return deepcopy(examples()[name])


def of_sdk(data: Any, **attributes: Any) -> CloudEvent:
    fields = envelope(MISSING, **attributes)
    return CloudEvent({**fields, "time": datetime.fromisoformat(fields["time"])}, data)


def sent(mode: Mode, event: CloudEvent) -> tuple[bytes, list[tuple[str, bytes | None]]]:
    message = mode(event)
    return message.value, [(name, value) for name, value in message.headers.items()]


@cases("mode", MODES)
@cases("name", INCOMING)
def test_what_the_sdk_writes_is_read(mode: Mode, name: str) -> None:
    wire = golden(name)
    data = wire.pop("data")
    event = read(*sent(mode, of_sdk(data, **wire)))
    assert (event.id, event.type, event.subject) == (wire["id"], name, wire["subject"])
    assert event.data == read(json.dumps({**wire, "data": data}).encode()).data


@pytest.mark.parametrize("mode", MODES)
def test_optional_attributes_and_extensions_of_the_sdk_are_taken_along(mode: Mode) -> None:
    extensions = {"dataschema": "/schemas/server", "partitionkey": "acct-1", "traceparent": TRACE}
    event = read(*sent(mode, of_sdk(SERVER, datacontenttype="application/json; charset=utf-8", **extensions)))
    assert event.traceparent == TRACE
    assert event.fields["dataschema"] == "/schemas/server"


@pytest.mark.parametrize("mode", MODES)
def test_an_id_and_a_time_chosen_by_the_sdk_are_read(mode: Mode) -> None:
    event = CloudEvent({"source": "/asset-service", "type": "tenure.server.registered.v1", "subject": "acct-1"}, SERVER)
    assert read(*sent(mode, event)).time == event.get_time()


@cases("mode", MODES)
@cases("zone", [UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=9, minutes=30))])
def test_a_time_of_the_sdk_in_any_zone_is_read(mode: Mode, zone: timezone) -> None:
    instant = datetime(2026, 3, 1, 10, 0, 0, 123_000, tzinfo=zone)
    assert read(*sent(mode, of_sdk(SERVER, time=instant.isoformat()))).time == instant


@pytest.mark.parametrize("mode", MODES)
def test_an_event_of_the_sdk_without_a_subject_is_no_cloudevent_to_us(mode: Mode) -> None:
    event = CloudEvent({"source": "/asset-service", "type": "tenure.server.registered.v1"}, SERVER)
    assert refusal(*sent(mode, event)).reason is Reason.NOT_CLOUDEVENTS


def test_data_that_the_sdk_writes_as_base64_is_refused_by_name() -> None:
    refused = refusal(*sent(kafka.to_structured_event, of_sdk(json.dumps(SERVER).encode())))
    assert (refused.reason, refused.detail) == (Reason.NOT_CLOUDEVENTS, "data: required")


@pytest.mark.parametrize("write", [to_structured_of_version_1, to_binary_of_version_1])
def test_what_the_sdk_of_version_1_writes_is_read(write: Callable[..., Any]) -> None:
    event = CloudEventOfVersion1(envelope(MISSING, datacontenttype="application/json"), SERVER)
    message = write(event, key_mapper=lambda event: event["subject"])
    assert read(message.value, list(message.headers.items())).data == read(json.dumps(envelope(SERVER)).encode()).data


@cases("name", OUTGOING)
def test_what_goes_out_is_read_by_the_sdk(name: str) -> None:
    wire = golden(name)
    message = kafka.KafkaMessage(
        headers={"content-type": b"application/cloudevents+json"}, key=None, value=json.dumps(wire).encode()
    )
    event = kafka.from_kafka_event(message)
    assert event.get_data() == wire["data"]
    assert (event.get_id(), event.get_type(), event.get_subject()) == (wire["id"], wire["type"], wire["subject"])
    assert event.get_time() == datetime.fromisoformat(wire["time"])
