"""One AsyncAPI 3.0 document for each service: what it reads, what it writes, in which shapes. Pure.

Made from the topic registry (`topics.py`) and the JSON Schemas (`schemas.py`). No server is named: the broker's
address is a setting. Called by the HTTP API of each service and by `documents.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.contracts.envelope import STRUCTURED, TRACEPARENT_PATTERN, Reason
from shared.contracts.schemas import DOCUMENTS, Schema, schema, summary
from shared.contracts.topics import TOPICS, Form, Service, Topic, read_by, written_by

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
    """The AsyncAPI document of a service as it is configured; `examples` are documents by name."""
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
            "schemas": _schemas([name for name in messages if name in DOCUMENTS]),
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
    return list(TOPICS[topic].contracts) or [topic]


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
    if name not in DOCUMENTS:
        return _dead_letter(name)
    topic = DOCUMENTS[name].topic
    is_event = topic.form is Form.EVENT
    return {
        "name": name,
        "title": name,
        "summary": summary(name),
        "contentType": STRUCTURED if is_event else "application/json",
        "headers": _event_headers(topic) if is_event else _bare_headers(),
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": _kafka_message(topic)},
        **({"examples": [{"name": "golden", "payload": examples[name]}]} if name in examples else {}),
    }


def _event_headers(topic: Topic) -> Schema:
    properties: Schema = {
        "content-type": {"type": "string", "const": STRUCTURED},
        "traceparent": {"type": "string", "pattern": TRACEPARENT_PATTERN, "description": "W3C trace context."},
    }
    if topic.sequenced:
        properties["sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "As in the value."}
    return {
        "type": "object",
        "description": "Structured mode. What comes in may also be in binary mode: attributes in `ce_` headers.",
        "properties": properties,
    }


def _bare_headers() -> Schema:
    return {"type": "object", "properties": {"content-type": {"type": "string"}}}


def _kafka_message(topic: Topic) -> dict[str, Any]:
    described = {"key": {"type": "string", "description": topic.key}} if topic.key else {}
    return {**described, "bindingVersion": KAFKA_BINDING}


def _dead_letter(topic: str) -> dict[str, Any]:
    return {
        "name": topic,
        "title": topic,
        "summary": "The received key, value and headers, untouched, and why they could not be read.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": _DEAD_LETTER_HEADERS, "required": list(_DEAD_LETTER_HEADERS)},
        "payload": {"description": "Any bytes."},
        "bindings": {"kafka": _kafka_message(TOPICS[topic])},
    }


_DEAD_LETTER_HEADERS: Final[Mapping[str, Schema]] = {
    "dead-letter-reason": {"type": "string", "enum": [reason.value for reason in Reason]},
    "dead-letter-detail": {"type": "string", "description": "Which field, and what was expected."},
    "dead-letter-topic": {"type": "string", "description": "Where it came from."},
    "dead-letter-partition": {"type": "string", "pattern": "^[0-9]+$"},
    "dead-letter-offset": {"type": "string", "pattern": "^[0-9]+$"},
}


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
