"""One AsyncAPI 3.0 document a service: what it reads, what it says, in which shapes. Pure.

`SERVICES` is the table of who reads and writes which topic; everything else is made from it and from
`schemas.py`. No server is named: where the broker is, is a setting. Called by each service's HTTP
edge and by `documents.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from shared.contracts.envelope import STRUCTURED, TRACEPARENT_PATTERN, Reason
from shared.contracts.schemas import DOCUMENTS, STATE, Schema, schema, summary

Service = Literal["subscription", "notifier"]

KAFKA_BINDING: Final = "0.5.0"
_DAY_MS: Final = 86_400_000
_ACCOUNT: Final = "The account id."
_AS_RECEIVED: Final = "The key as it was received."


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A topic as the contract describes it; `key` says what the Kafka key is, None for no key."""

    title: str
    key: str | None = _ACCOUNT
    config: Mapping[str, Any] | None = None
    sequenced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceTopics:
    """What one service reads and what it writes."""

    description: str
    receives: tuple[str, ...]
    sends: tuple[str, ...]


CHANNELS: Final[Mapping[str, Channel]] = {
    "purchases": Channel(title="Orders, credits, contacts and coupons of the order system."),
    "renewals": Channel(title="Renewals, changes and auto-renewal, from the order system and the console."),
    "server-inventory": Channel(title="Servers, capacity and configuration, from the asset service."),
    "subscription-lifecycle": Channel(
        title="What happened to each subscription, in order.", config={"retention.ms": 30 * _DAY_MS}, sequenced=True
    ),
    "subscription-state": Channel(title="The latest overview of each account.", config={"cleanup.policy": ["compact"]}),
    "notification-outcomes": Channel(title="What became of each notification.", sequenced=True),
    "dead-letters": Channel(title="What the subscription service could not read.", key=_AS_RECEIVED),
    "notification-dead-letters": Channel(title="What the notifier could not read.", key=_AS_RECEIVED),
    "test-clock": Channel(title="Moves the test clock; exists only with the test clock on.", key=None),
    "test-clock-settled": Channel(
        title="Says that an advance is settled; exists only with the test clock on.", key="The service's name."
    ),
}

SERVICES: Final[Mapping[Service, ServiceTopics]] = {
    "subscription": ServiceTopics(
        description="Decides what happens to subscriptions: purchase, renewal, expiry, grace, release.",
        receives=("purchases", "renewals", "server-inventory", "test-clock"),
        sends=("subscription-lifecycle", "subscription-state", "dead-letters", "test-clock-settled"),
    ),
    "notifier": ServiceTopics(
        description="Tells customers what happened to their subscriptions, by email and internal message.",
        receives=("subscription-lifecycle", "test-clock-settled"),
        sends=("notification-outcomes", "notification-dead-letters", "test-clock-settled"),
    ),
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
    topics = SERVICES[service]
    names = [name for name in dict.fromkeys(topics.receives + topics.sends) if test_clock or not _is_clock(name)]
    messages = [message for name in names for message in _message_names(name)]
    return {
        "asyncapi": "3.0.0",
        "info": _info(service, version),
        "defaultContentType": STRUCTURED,
        "channels": {name: _channel(name, topic_prefix) for name in names},
        "operations": {
            **{
                _operation_id("receive", name): _operation("receive", name) for name in topics.receives if name in names
            },
            **{_operation_id("send", name): _operation("send", name) for name in topics.sends if name in names},
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
        "description": SERVICES[service].description,
        "license": {"name": "Apache-2.0"},
    }


def _is_clock(topic: str) -> bool:
    return topic.startswith("test-clock")


def _message_names(topic: str) -> list[str]:
    """Dead letters are whatever came in; every other topic has documents of its own."""
    return [name for name, document in DOCUMENTS.items() if document.topic == topic] or [topic]


def _channel(topic: str, prefix: str) -> dict[str, Any]:
    channel = CHANNELS[topic]
    kafka: dict[str, Any] = {"topic": prefix + topic, "bindingVersion": KAFKA_BINDING}
    if channel.config:
        kafka["topicConfiguration"] = dict(channel.config)
    return {
        "address": prefix + topic,
        "title": topic,
        "description": channel.title,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in _message_names(topic)},
        "bindings": {"kafka": kafka},
    }


def _operation_id(action: str, topic: str) -> str:
    return action + topic.title().replace("-", "")


def _operation(action: str, topic: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "title": f"{action.capitalize()} {topic}",
        "summary": CHANNELS[topic].title,
        "messages": [{"$ref": f"#/channels/{topic}/messages/{name}"} for name in _message_names(topic)],
    }


def _message(name: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    if name not in DOCUMENTS:
        return _dead_letter(name)
    topic = DOCUMENTS[name].topic
    headers = _bare_headers() if name == STATE else _event_headers(topic)
    return {
        "name": name,
        "title": name,
        "summary": summary(name),
        "contentType": "application/json" if name == STATE else STRUCTURED,
        "headers": headers,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": _kafka_message(topic)},
        **({"examples": [{"name": "golden", "payload": examples[name]}]} if name in examples else {}),
    }


def _event_headers(topic: str) -> Schema:
    properties: Schema = {
        "content-type": {"type": "string", "const": STRUCTURED},
        "traceparent": {"type": "string", "pattern": TRACEPARENT_PATTERN, "description": "W3C trace context."},
    }
    if CHANNELS[topic].sequenced:
        properties["sequence"] = {"type": "string", "pattern": "^[1-9][0-9]*$", "description": "As in the value."}
    return {
        "type": "object",
        "description": "Structured mode. What comes in may also be in binary mode: attributes in `ce_` headers.",
        "properties": properties,
    }


def _bare_headers() -> Schema:
    return {"type": "object", "properties": {"content-type": {"type": "string"}}}


def _kafka_message(topic: str) -> dict[str, Any]:
    key = CHANNELS[topic].key
    described = {"key": {"type": "string", "description": key}} if key else {}
    return {**described, "bindingVersion": KAFKA_BINDING}


def _dead_letter(topic: str) -> dict[str, Any]:
    return {
        "name": topic,
        "title": topic,
        "summary": "The received key, value and headers, untouched, and why they could not be read.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": _DEAD_LETTER_HEADERS, "required": list(_DEAD_LETTER_HEADERS)},
        "payload": {"description": "Any bytes."},
        "bindings": {"kafka": _kafka_message(topic)},
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
