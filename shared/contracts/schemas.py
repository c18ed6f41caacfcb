"""JSON Schema (2020-12) of every kind of record value, generated from the contracts. Pure.

A schema covers the whole value: the CloudEvent with its data, or the bare document on `subscription-state`. Events in
may leave out fields that have a default; events out always carry every field. `tests/published.py` writes the schemas
to files, `asyncapi.py` refers to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, Final, Literal

from pydantic.json_schema import GenerateJsonSchema
from pydantic_core.core_schema import NullableSchema

from shared.contracts.envelope import SOURCE_PATTERN, TRACEPARENT_PATTERN, adapter
from shared.contracts.lifecycle_parts import LifecycleMetadata
from shared.contracts.scalars import ID_PATTERN
from shared.contracts.topics import LIFECYCLE, TOPICS, Topic, document_name

Schema = dict[str, Any]
Direction = Literal["in", "out"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
STATE: Final = "tenure.subscription.state"


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageType:
    """One kind of value on one topic; `contract` is the class of its data.

    `name`: of its schema and examples, which is its type unless events in and out share the type.
    """

    topic: Topic
    event_type: str
    contract: type[Any]

    @property
    def name(self) -> str:
        return document_name(self.topic, self.event_type)

    @property
    def direction(self) -> Direction:
        """`in`: an upstream service writes it."""
        return "in" if self.topic.is_input else "out"

    @property
    def has_metadata(self) -> bool:
        """Whether `LifecycleMetadata` is merged into the data."""
        return self.topic.name == LIFECYCLE


MESSAGE_TYPES: Final[Mapping[str, MessageType]] = {
    document_name(topic, event_type): MessageType(topic=topic, event_type=event_type, contract=contract)
    for topic in TOPICS.values()
    for event_type, contract in topic.contracts.items()
}
"""Name -> type, for everything that Tenure reads and writes."""


TRACEPARENT: Final[Schema] = {
    "type": "string",
    "pattern": TRACEPARENT_PATTERN,
    "description": "W3C trace context, carried from the causing event to all that follows from it.",
    "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
}


class _Generator(GenerateJsonSchema):
    """Leaves out titles of fields, which would repeat their names; describes a nullable field as a whole."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: NullableSchema) -> Schema:
        """Moves description and examples of the non-null part to the field."""
        union = super().nullable_schema(schema)
        value = union["anyOf"][0]
        return {**union, **{key: value.pop(key) for key in ("description", "examples") if key in value}}


def schema(name: str, *, definitions: str = "#/$defs/") -> Schema:
    """The schema of one message type; shared parts are in `$defs`, referred to as `definitions` and their name."""
    message = MESSAGE_TYPES[name]
    data = _data(message, definitions + "{model}")
    parts = data.pop("$defs", {})
    whole = data if name == STATE else _event(message, data)
    return {"$schema": DIALECT, "title": name, **whole, **({"$defs": parts} if parts else {})}


def _data(message: MessageType, reference: str) -> Schema:
    data = _of_contract(message.contract, message.direction, reference)
    if message.has_metadata:
        data = _merged(_of_contract(LifecycleMetadata, message.direction, reference), data)
    if message.direction == "out":
        data["required"] = list(data["properties"])
    del data["title"]
    return {"description": summary(message.name), **data}


def _of_contract(contract: type[Any], direction: Direction, reference: str) -> Schema:
    return adapter(contract).json_schema(
        ref_template=reference,
        schema_generator=_Generator,
        mode="validation" if direction == "in" else "serialization",
    )


def _merged(metadata: Schema, data: Schema) -> Schema:
    """One flat object with the properties of both, as on the wire."""
    return {
        **data,
        "properties": {**metadata["properties"], **data["properties"]},
        "$defs": {**metadata.get("$defs", {}), **data.get("$defs", {})},
    }


def summary(name: str) -> str:
    """The docstring of the type's contract, on one line."""
    return " ".join((getdoc(MESSAGE_TYPES[name].contract) or "").split())


def _event(message: MessageType, data: Schema) -> Schema:
    """The CloudEvent around the data."""
    fixed: Schema = {"specversion": {"const": "1.0"}, "type": {"const": message.event_type}}
    written = {} if message.direction == "in" else {"datacontenttype": {"const": "application/json"}}
    logged = _LOGGED if message.topic.is_sequenced else {}
    properties = {
        name: {**attribute, **fixed.get(name, {}), **written.get(name, {})}
        for name, attribute in {**_ATTRIBUTES, **logged}.items()
    }
    if message.topic.test_clock_only:
        properties["subject"] |= _CLOCK_SUBJECT
    optional = {"traceparent"} if written else {"traceparent", "datacontenttype"}
    return {
        "type": "object",
        "description": data["description"],
        "properties": {**properties, "data": {**data, "description": "What the type says, in its own fields."}},
        "required": [name for name in (*properties, "data") if name not in optional],
    }


_ATTRIBUTES: Final[Mapping[str, Schema]] = {
    "specversion": {"description": "Version of CloudEvents."},
    "id": {
        "type": "string",
        "pattern": ID_PATTERN,
        "description": "With `source` the event's identity: the same event a second time changes nothing (R39).",
        "examples": ["evt-20260131-0001"],
    },
    "source": {
        "type": "string",
        "format": "uri-reference",
        "pattern": SOURCE_PATTERN,
        "description": "Who wrote the event, a URI reference.",
        "examples": ["/order-system"],
    },
    "type": {"description": "What happened."},
    "time": {
        "type": "string",
        "format": "date-time",
        "description": "When it happened; RFC 3339 with an offset.",
        "examples": ["2026-01-31T02:15:30Z"],
    },
    "subject": {
        "type": "string",
        "pattern": ID_PATTERN,
        "description": "The account id, as in `data.account_id`.",
        "examples": ["acct-1001"],
    },
    "datacontenttype": {
        "type": "string",
        "description": "Media type of `data`; it is always read as JSON.",
        "examples": ["application/json"],
    },
    "traceparent": TRACEPARENT,
}

_CLOCK_SUBJECT: Final[Schema] = {
    "description": "The test clock, or the service that has settled; no account.",
    "examples": ["subscription"],
}

_LOGGED: Final[Mapping[str, Schema]] = {
    "recordedat": {
        "type": "string",
        "format": "date-time",
        "description": "The service clock when the event was recorded; UTC.",
        "examples": ["2026-01-31T02:15:31.250000Z"],
    },
    "sequence": {
        "type": "integer",
        "minimum": 1,
        "description": "1, 2, 3 ... without a gap within each partition of the topic.",
        "examples": [4113],
    },
}
