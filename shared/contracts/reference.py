"""The generated sections of `docs/contract.md`: topics, events with their fields and an example each, shared types.

Pure: made from the topic registry (`topics.py`), the JSON Schemas (`schemas.py`) and the examples that are passed in.
`tests/pages.py` puts them into the page (`make docs`).
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any, Final

from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.lifecycle_parts import LifecycleMetadata
from shared.contracts.scalars import (
    AMOUNT_PATTERN,
    ID_PATTERN,
    MAX_SAFE,
    MONEY_PATTERN,
    POSITIVE_MONEY_PATTERN,
    UNSIGNED_MONEY_PATTERN,
)
from shared.contracts.schemas import MESSAGE_TYPES, Schema, schema, summary
from shared.contracts.topics import OPERATORS_TOPIC, TOPICS, Topic, document_name

_PATTERNS: Final[Mapping[str, str]] = {
    ID_PATTERN: "id",
    MONEY_PATTERN: "money",
    AMOUNT_PATTERN: "amount",
    UNSIGNED_MONEY_PATTERN: "money of 0.00 or more",
    POSITIVE_MONEY_PATTERN: "money above 0.00",
}
_FORMATS: Final[Mapping[str, str]] = {"date-time": "instant", "date": "day", "uri-reference": "URI reference"}
_METADATA: Final = tuple(field.name for field in fields(LifecycleMetadata))
"""The fields that every lifecycle event has."""
_RULE: Final = re.compile(r"\b[RG][1-9][0-9]?\b")
_ON_ONE_LINE: Final = 6
"""So many values of an enumeration are shown on one line; more are a list."""


def sections(examples: Mapping[str, Any]) -> Mapping[str, str]:
    """Name -> Markdown; `examples` are whole documents by name."""
    with_contracts = [topic for topic in TOPICS.values() if topic.contracts]
    return {
        "topics": _topics([*TOPICS.values(), OPERATORS_TOPIC]),
        "data of every lifecycle event": _fields(_data(next(iter(LIFECYCLE_EVENTS))), only=_METADATA),
        **{f"events of {topic.name}": _events(topic, examples) for topic in with_contracts},
        "shared types": _shared_types(),
    }


def anchor(name: str) -> str:
    """The id of the heading of an event or a shared type."""
    return name.lower().replace(".", "-")


def type_of(field: Schema) -> str:
    """A field's type in words; a shared type is a link to its heading."""
    match field:
        case {"$ref": reference}:
            name = reference.rpartition("/")[2]
            return f"[{name}](#{anchor(name)})"
        case {"const": value}:
            return f"`{value}`"
        case {"enum": values}:
            return ", ".join(f"`{value}`" for value in values)
        case {"anyOf": choices}:
            return " or ".join(map(type_of, choices))
        case {"type": kind}:
            return _IN_WORDS[kind](field)
        case _:
            return "any JSON"


def _text(field: Schema) -> str:
    if "format" in field:
        return _FORMATS[field["format"]]
    pattern = field.get("pattern")
    if pattern is not None:
        return _PATTERNS.get(pattern, f"text `{pattern}`")
    longest = field.get("maxLength")
    return "text" if longest is None else f"text of {field.get('minLength', 0)} to {longest:,} characters"


def _integer(field: Schema) -> str:
    least, most = field.get("minimum"), field.get("maximum")
    if "exclusiveMinimum" in field:
        least = field["exclusiveMinimum"] + 1
    if (least, most) in ((None, None), (-MAX_SAFE, MAX_SAFE)):
        return "integer"
    return f"integer from {least:,}" if most is None else f"integer from {least:,} to {most:,}"


def _object(field: Schema) -> str:
    if "additionalProperties" not in field:
        return "object"
    key = type_of(field["propertyNames"]) if "propertyNames" in field else "name"
    return f"object, {key} → {type_of(field['additionalProperties'])}"


_IN_WORDS: Final[Mapping[str, Callable[[Schema], str]]] = {
    "string": _text,
    "integer": _integer,
    "object": _object,
    "array": lambda field: f"list of {type_of(field['items'])}",
    "boolean": lambda _: "boolean",
    "null": lambda _: "null",
}


def _topics(topics: Iterable[Topic]) -> str:
    rows = [
        (
            f"`{topic.name}`",
            topic.summary,
            ", ".join(topic.writers),
            ", ".join(topic.readers),
            _sentence(topic.key or "None."),
            _kept(topic),
        )
        for topic in topics
    ]
    return table(("topic", "what", "written by", "read by", "key", "kept"), rows)


def _kept(topic: Topic) -> str:
    if topic.compacted:
        return "the latest for each key (compacted)"
    return "as the broker says" if topic.retention is None else f"{topic.retention.days} days"


def _sentence(text: str) -> str:
    """Without its full stop and capital, for a cell."""
    return text[0].lower() + text[1:].rstrip(".")


def _events(topic: Topic, examples: Mapping[str, Any]) -> str:
    """A heading for each type; types with the same data refer to the first of them."""
    first: dict[type[Any], str] = {}
    named = {document_name(topic, event_type): contract for event_type, contract in topic.contracts.items()}
    for name, contract in named.items():
        first.setdefault(contract, name)
    return "\n".join(_event(name, example=examples[name], same_as=first[contract]) for name, contract in named.items())


def _event(name: str, *, example: Any, same_as: str) -> str:
    shown = json.dumps(example, indent=2, ensure_ascii=False)
    return (
        f'#### <a id="{anchor(name)}"></a>`{MESSAGE_TYPES[name].event_type}`\n\n{_content(name, same_as)}\n'
        f"<details><summary>example</summary>\n\n```json\n{shown}\n```\n\n</details>\n"
    )


def _content(name: str, same_as: str) -> str:
    """What a type says, and its fields."""
    if name != same_as:
        return f"The same data as [`{same_as}`](#{anchor(same_as)}).\n"
    data = _data(name)
    left_out = _METADATA if MESSAGE_TYPES[name].has_metadata else ()
    own = [field for field in data["properties"] if field not in left_out]
    return f"{_with_links(summary(name))}\n\n" + (_fields(data, only=own) if own else "No further data.\n")


def _data(name: str) -> Schema:
    """The schema of what is specific to a document: the event's `data`, or the whole bare document."""
    whole = schema(name)
    found: Schema = whole["properties"].get("data", whole)
    return found


def _fields(of: Schema, *, only: Sequence[str] | None = None) -> str:
    """A table of fields; a field that may be left out says what then holds."""
    required = of.get("required", ())
    shown = of["properties"] if only is None else {name: of["properties"][name] for name in only}
    rows = [
        (f"`{name}`", type_of(field) + ("" if name in required else _left_out(field)), _meaning(field), _example(field))
        for name, field in shown.items()
    ]
    return table(("field", "type", "meaning", "example"), rows)


def _left_out(field: Schema) -> str:
    default = field.get("default")
    return "; optional" if default is None else f"; if left out `{json.dumps(default)}`"


def _meaning(field: Schema) -> str:
    """Its description, else that of the shared type to which it refers."""
    text = " ".join((field.get("description") or _referred(field)).split()).replace("|", "\\|")
    return _with_links(text)


def _with_links(text: str) -> str:
    """Each id of a rule leads to its text in the rule book."""
    return _RULE.sub(lambda rule: f"[{rule[0]}](rules.md#{rule[0].lower()})", text)


def _referred(field: Schema) -> str:
    references = [choice["$ref"] for choice in (field, *field.get("anyOf", ())) if "$ref" in choice]
    return next((_parts()[reference.rpartition("/")[2]].get("description", "") for reference in references), "")


def _example(field: Schema) -> str:
    examples = field.get("examples")
    return f"`{json.dumps(examples[0], ensure_ascii=False)}`" if examples else ""


def _shared_types() -> str:
    return "\n".join(_shared_type(name, part) for name, part in sorted(_parts().items()))


@cache
def _parts() -> Mapping[str, Schema]:
    """Name -> schema of every type that documents share."""
    return {name: part for document in MESSAGE_TYPES for name, part in schema(document).get("$defs", {}).items()}


def _shared_type(name: str, of: Schema) -> str:
    heading = f'#### <a id="{anchor(name)}"></a>{name}\n\n'
    text = f"{_meaning(of)}\n\n" if "description" in of else ""
    return heading + text + (_values(of["enum"]) if "enum" in of else _fields(of))


def _values(values: Sequence[str]) -> str:
    if len(values) <= _ON_ONE_LINE:
        return ", ".join(f"`{value}`" for value in values) + "\n"
    return "".join(f"- `{value}`\n" for value in values)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(cells)} |\n" for cells in (heads, *rows)]
    return "".join([lines[0], "|---" * len(heads) + "|\n", *lines[1:]])
