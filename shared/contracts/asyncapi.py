"""One AsyncAPI 3.0 document for each service: what it reads, what it writes, in which shapes. Pure.

Made from the topic registry (`topics.py`) and the JSON Schemas (`schemas.py`). No server is named: the broker's
address is a setting. Called by the HTTP API of each service and by `tests/published.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.contracts.envelope import STRUCTURED
from shared.contracts.schemas import MESSAGE_TYPES, TRACEPARENT, Schema, schema, summary
from shared.contracts.topics import TOPICS, Form, Service, Topic, document_name, read_by, written_by
from shared.contracts.unreadable import Reason

KAFKA_BINDING: Final = "0.5.0"

DESCRIPTIONS: Final[Mapping[Service, str]] = {
    "subscription": "Decides what happens to subscriptions: purchase, renewal, expiry, grace, release.",
    "notifier": "Tells customers what happened to their subscriptions, by email and internal message.",
}


def document(
    service: Service,
    *,
    topic_prefix: str = "",
    test_clock: bool,
    version: str,
    examples: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The AsyncAPI document of a service as it is configured.

    `examples`: type -> value of a record; further examples of a type as `type~case`.
    """
    received, sent = (_existing(topics, test_clock) for topics in (read_by(service), written_by(service)))
    names = list(dict.fromkeys(received + sent))
    messages = [message for name in names for message in _message_names(name)]
    return {
        "asyncapi": "3.0.0",
        "info": _info(service, version),
        "defaultContentType": STRUCTURED,
        "channels": {name: _channel(name, topic_prefix) for name in names},
        "operations": {
            **{_operation_id("receive", name): _operation("receive", name) for name in received},
            **{_operation_id("send", name): _operation("send", name) for name in sent},
        },
        "components": {
            "messages": {name: _message(name, examples or {}) for name in messages},
            "schemas": _schemas([name for name in messages if name in MESSAGE_TYPES]),
        },
    }


def _info(service: Service, version: str) -> dict[str, Any]:
    return {
        "title": f"Tenure {service} service",
        "version": version,
        "description": DESCRIPTIONS[service],
        "license": {"name": "Apache-2.0"},
    }


def _existing(topics: Iterable[str], test_clock: bool) -> list[str]:
    return [name for name in topics if test_clock or not TOPICS[name].test_clock_only]


def _message_names(topic: str) -> list[str]:
    """Dead letters are whatever was received, one message under the topic's name; other topics have types."""
    return [document_name(TOPICS[topic], each) for each in TOPICS[topic].contracts] or [topic]


def _channel(name: str, prefix: str) -> dict[str, Any]:
    topic = TOPICS[name]
    kafka: dict[str, Any] = {"topic": prefix + name, "bindingVersion": KAFKA_BINDING}
    if topic.partitions:
        kafka["partitions"] = topic.partitions
    if topic.configuration:
        kafka["topicConfiguration"] = {key: _as_bound(key, value) for key, value in topic.configuration.items()}
    return {
        "address": prefix + name,
        "title": topic.title,
        "description": topic.summary,
        "messages": {message: {"$ref": f"#/components/messages/{message}"} for message in _message_names(name)},
        "bindings": {"kafka": kafka},
    }


def _as_bound(setting: str, value: int | str) -> int | list[str]:
    """The Kafka binding takes `cleanup.policy` as a list, everything else that we set as a number."""
    return [str(value)] if setting == "cleanup.policy" else int(value)


def _operation_id(action: str, topic: str) -> str:
    return action + topic.title().replace("-", "")


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "title": f"{action.capitalize()} {topic}",
        "summary": TOPICS[topic].summary,
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in _message_names(topic)],
    }


def _message(name: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    if name not in MESSAGE_TYPES:
        return _dead_letter(name)
    topic = MESSAGE_TYPES[name].topic
    return {
        "name": name,
        "title": name,
        "summary": summary(name),
        "contentType": STRUCTURED if topic.form is Form.EVENT else "application/json",
        "headers": _headers(topic),
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": _kafka_message(topic)},
        **_examples_of(name, examples),
    }


def _examples_of(name: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    found = {key.partition("~"): payload for key, payload in sorted(examples.items())}
    of_type = [
        {"name": case or "example", "payload": payload} for (type_, _, case), payload in found.items() if type_ == name
    ]
    return {"examples": of_type} if of_type else {}


def _headers(topic: Topic) -> Schema:
    """The Kafka headers that a reader may find, or a writer may set."""
    if topic.is_input:
        return {"type": "object", "description": _EITHER_MODE, "properties": _EVENT_HEADERS}
    properties = {**_HEADERS[topic.form], "sequence": _SEQUENCE}
    required = [name for name in properties if name not in _EVENT_HEADERS]
    return {"type": "object", "properties": properties, "required": required}


def _kafka_message(topic: Topic) -> dict[str, Any]:
    described = {"key": {"type": "string", "description": topic.key}} if topic.key else {}
    return {**described, "bindingVersion": KAFKA_BINDING}


def _dead_letter(topic: str) -> dict[str, Any]:
    return {
        "name": topic,
        "title": topic,
        "summary": "The received key, value and headers, untouched, and why they could not be read.",
        "contentType": "application/octet-stream",
        "headers": _headers(TOPICS[topic]),
        "payload": {"description": "Any bytes."},
        "bindings": {"kafka": _kafka_message(TOPICS[topic])},
    }


_EITHER_MODE: Final = "Structured mode; binary mode is read too, with the attributes in headers that begin with `ce_`."

_EVENT_HEADERS: Final[Mapping[str, Schema]] = {
    "content-type": {
        "type": "string",
        "const": STRUCTURED,
        "description": "Marks structured mode; may be left out on the way in.",
    },
    "traceparent": TRACEPARENT,
}

_SEQUENCE: Final[Schema] = {
    "type": "string",
    "pattern": "^[1-9][0-9]*$",
    "description": "1, 2, 3 ... without a gap within each partition of the topic.",
    "examples": ["4113"],
}

_DEAD_LETTER_HEADERS: Final[Mapping[str, Schema]] = {
    "dead-letter-reason": {
        "type": "string",
        "enum": [reason.value for reason in Reason],
        "description": "Why the record could not be read.",
    },
    "dead-letter-detail": {
        "type": "string",
        "description": "Which field, and what was expected.",
        "examples": ["data.cores: Input should be a valid integer"],
    },
    "dead-letter-topic": {
        "type": "string",
        "description": "The topic that the record came from.",
        "examples": ["purchases"],
    },
    "dead-letter-partition": {
        "type": "string",
        "pattern": "^[0-9]+$",
        "description": "The partition that the record came from.",
        "examples": ["3"],
    },
    "dead-letter-offset": {
        "type": "string",
        "pattern": "^[0-9]+$",
        "description": "The record's offset in that partition.",
        "examples": ["90211"],
    },
}

_HEADERS: Final[Mapping[Form, Mapping[str, Schema]]] = {
    Form.EVENT: _EVENT_HEADERS,
    Form.BARE_JSON: {},
    Form.AS_RECEIVED: _DEAD_LETTER_HEADERS,
}
"""Form of the value -> the headers that go with it; our services add `sequence` to each of them."""


def _schemas(names: list[str]) -> dict[str, Schema]:
    """Every document's schema, and once the parts that they share."""
    whole: dict[str, Schema] = {}
    parts: dict[str, Schema] = {}
    for name in names:
        found = schema(name, definitions="#/components/schemas/")
        del found["$schema"]
        parts |= found.pop("$defs", {})
        whole[name] = found
    return {**whole, **dict(sorted(parts.items()))}
