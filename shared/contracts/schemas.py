"""JSON Schema (2020-12) of every document on the wire, made from the contracts themselves. Pure.

`DOCUMENTS` says what is on which topic. A schema covers the whole record's value: the envelope and its
data, or the bare document for `subscription-state`. What comes in may leave defaults out; what goes
out always carries every field. `documents.py` writes them, `asyncapi.py` builds on them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import getdoc
from typing import Any, Final, Literal

from pydantic.json_schema import GenerateJsonSchema

from shared.contracts.envelope import SOURCE_PATTERN, TRACEPARENT_PATTERN, adapter
from shared.contracts.lifecycle import Stamp
from shared.contracts.topics import LIFECYCLE, TOPICS, Topic
from shared.contracts.types import ID_PATTERN

Schema = dict[str, Any]
Direction = Literal["in", "out"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
STATE: Final = "tenure.subscription.state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One kind of value on one topic; `contract` is its data."""

    topic: Topic
    name: str
    contract: type[Any]

    @property
    def direction(self) -> Direction:
        """`in`: an upstream service writes it."""
        return "in" if self.topic.is_input else "out"

    @property
    def stamped(self) -> bool:
        """Whether `Stamp` is merged into the data."""
        return self.topic.name == LIFECYCLE


DOCUMENTS: Final[Mapping[str, Document]] = {
    name: Document(topic=topic, name=name, contract=contract)
    for topic in TOPICS.values()
    for name, contract in topic.contracts.items()
}
"""Name (the event's type) -> document, for everything that Tenure reads and writes."""


class _Untitled(GenerateJsonSchema):
    """Without a title a field: it would only repeat the field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema(name: str, *, definitions: str = "#/$defs/") -> Schema:
    """The schema of one document; shared parts stand in `$defs`, referred to below `definitions`."""
    document = DOCUMENTS[name]
    data = _data(document, definitions + "{model}")
    parts = data.pop("$defs", {})
    whole = data if name == STATE else _event(document, data)
    return {"$schema": DIALECT, "title": name, **whole, **({"$defs": parts} if parts else {})}


def _data(document: Document, reference: str) -> Schema:
    data = _of_contract(document.contract, document.direction, reference)
    if document.stamped:
        data = _merged(_of_contract(Stamp, document.direction, reference), data)
    if document.direction == "out":
        data["required"] = list(data["properties"])
    del data["title"]
    return {"description": summary(document.name), **data}


def _of_contract(contract: type[Any], direction: Direction, reference: str) -> Schema:
    return adapter(contract).json_schema(
        ref_template=reference,
        schema_generator=_Untitled,
        mode="validation" if direction == "in" else "serialization",
    )


def _merged(stamp: Schema, data: Schema) -> Schema:
    """The flat object of both, as it is on the wire."""
    return {
        **data,
        "properties": {**stamp["properties"], **data["properties"]},
        "$defs": {**stamp.get("$defs", {}), **data.get("$defs", {})},
    }


def summary(name: str) -> str:
    """What a document says, from its contract's docstring; else its name read aloud."""
    contract = DOCUMENTS[name].contract
    written = getdoc(contract) if "__doc__" in vars(contract) else None
    if written and not written.startswith(f"{contract.__name__}("):
        return " ".join(written.split())
    return " ".join(name.split(".")[1:-1]).replace("_", " ").capitalize() + "."


def _event(document: Document, data: Schema) -> Schema:
    properties = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "pattern": ID_PATTERN, "description": "With `source` the event's identity (R39)."},
        "source": {"type": "string", "format": "uri-reference", "pattern": SOURCE_PATTERN},
        "type": {"const": document.name},
        "time": {"type": "string", "format": "date-time", "description": "When it happened; RFC 3339 with an offset."},
        "subject": {"type": "string", "pattern": ID_PATTERN, "description": _subject(document)},
        "datacontenttype": {"type": "string"} if document.direction == "in" else {"const": "application/json"},
        "traceparent": {"type": "string", "pattern": TRACEPARENT_PATTERN, "description": "W3C trace context."},
        **(_SAID if document.topic.sequenced else {}),
        "data": data,
    }
    optional = {"traceparent", *(("datacontenttype",) if document.direction == "in" else ())}
    return {
        "type": "object",
        "description": data.pop("description"),
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


_SAID: Final[Mapping[str, Schema]] = {
    "recordedat": {
        "type": "string",
        "format": "date-time",
        "description": "The service clock when the event was recorded.",
    },
    "sequence": {
        "type": "integer",
        "minimum": 1,
        "description": "1, 2, 3 ... without a gap within each partition of the topic.",
    },
}


def _subject(document: Document) -> str:
    return "The test clock." if document.topic.test_clock_only else "The account id, as in `data.account_id`."
