"""A service's AsyncAPI 3 document, made from the same contract tables that it decodes and encodes by; and its page.

A channel is given as its topic and that topic's table, type -> contract; so the document cannot drift from the code.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from shared.contracts.envelope import SOURCE_PATTERN, STRUCTURED, TRACEPARENT_PATTERN
from shared.contracts.types import ID_PATTERN
from shared.settings import Settings
from shared.topics import name_of

Contracts = Mapping[str, Any]
_REFERENCE: Final = "#/components/schemas/{model}"
_PROTOCOLS: Final = {"PLAINTEXT": "kafka", "SASL_PLAINTEXT": "kafka", "SSL": "kafka-secure", "SASL_SSL": "kafka-secure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic as this service uses it. `contracts`: type -> contract of `data`, or `raw` says what it holds."""

    topic: str
    action: str
    about: str
    contracts: Contracts = field(default_factory=dict)
    raw: str | None = None


def document(service: str, version: str, *, channels: tuple[Channel, ...], settings: Settings) -> dict[str, Any]:
    """The AsyncAPI document of `service`; addresses of brokers stay out of it."""
    schemas = _schemas(channels)
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Tenure: {service}", "version": version, "description": f"The {service} service's topics."},
        "defaultContentType": STRUCTURED,
        "channels": {channel.topic: _channel(channel, settings) for channel in channels},
        "operations": {f"{channel.action}-{channel.topic}": _operation(channel) for channel in channels},
        "components": {"schemas": schemas},
    }


def _channel(channel: Channel, settings: Settings) -> dict[str, Any]:
    return {
        "address": name_of(channel.topic, settings),
        "description": channel.about,
        "messages": dict(_messages(channel)),
    }


def _operation(channel: Channel) -> dict[str, Any]:
    place = f"#/channels/{channel.topic}"
    return {
        "action": channel.action,
        "channel": {"$ref": place},
        "messages": [{"$ref": f"{place}/messages/{name}"} for name, _ in _messages(channel)],
    }


def _messages(channel: Channel) -> Iterator[tuple[str, dict[str, Any]]]:
    key = {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}}
    if channel.raw is not None:
        yield "record", {"name": "record", "description": channel.raw, "payload": {}, "bindings": key}
    for type_, contract in channel.contracts.items():
        yield type_, {"name": type_, "payload": _envelope(type_, contract), "bindings": key}


def _envelope(type_: str, contract: Any) -> dict[str, Any]:
    """The CloudEvent around `data`."""
    text = {"type": "string", "minLength": 1}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "subject", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**text, "pattern": ID_PATTERN},
            "source": {**text, "pattern": SOURCE_PATTERN},
            "type": {"const": type_},
            "time": {**text, "format": "date-time"},
            "subject": {**text, "pattern": ID_PATTERN},
            "traceparent": {**text, "pattern": TRACEPARENT_PATTERN},
            "data": {"$ref": _REFERENCE.format(model=contract.__name__)},
        },
    }


def _schemas(channels: tuple[Channel, ...]) -> dict[str, Any]:
    contracts = {contract for channel in channels for contract in channel.contracts.values()}
    ordered = sorted(contracts, key=lambda contract: str(contract.__name__))
    inputs: list[Any] = [(contract.__name__, "validation", TypeAdapter(contract)) for contract in ordered]
    named, shared = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    own = {str(name): schema for (name, _), schema in named.items()}
    return {**{name: schema for name, schema in own.items() if "$ref" not in schema}, **shared.get("$defs", {})}


def page(document: Mapping[str, Any]) -> str:
    """The document for people: one page, nothing loaded from elsewhere."""
    info = document["info"]
    parts = [_channel_part(operation, document) for operation in document["operations"].values()]
    return _PAGE.format(title=escape(info["title"]), version=escape(info["version"]), parts="\n".join(parts))


def _channel_part(operation: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    channel = document["channels"][operation["channel"]["$ref"].rpartition("/")[2]]
    verb = "reads" if operation["action"] == "receive" else "writes"
    messages = "\n".join(_message_part(message, document) for message in channel["messages"].values())
    return (
        f"<section><h2><span>{verb}</span> {escape(channel['address'])}</h2>"
        f"<p>{escape(channel['description'])}</p>{messages}</section>"
    )


def _message_part(message: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    data = message["payload"].get("properties", {}).get("data", {})
    name = data.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, {"description": message.get("description", "")})
    shown = orjson.dumps(schema, option=orjson.OPT_INDENT_2).decode()
    return f"<details><summary><code>{escape(message['name'])}</code></summary><pre>{escape(shown)}</pre></details>"


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h2 {{ font-size: 1.1rem; margin: 2rem 0 .25rem; }} h2 span {{ font-weight: normal; opacity: .7; }}
p {{ margin: 0 0 .5rem; }} summary {{ cursor: pointer; padding: .15rem 0; }}
pre {{ overflow-x: auto; padding: .75rem; border: 1px solid; border-radius: .4rem; font-size: .85rem; }}
</style></head><body><h1>{title} <small>{version}</small></h1>
<p>The same as a document: <a href="asyncapi.json">asyncapi.json</a></p>
{parts}
</body></html>"""
