"""An AsyncAPI document as one HTML page for people: channels, messages, fields. Pure, and whole in itself:
nothing is loaded from elsewhere, every text is escaped.

Called by the HTTP edge with what `shared/contracts/asyncapi.py` made.
"""

import json
import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

Node = Mapping[str, Any]


def page(document: Node) -> str:
    """The page; its link leads to `asyncapi.json` beside it."""
    info = document["info"]
    operations = document["operations"].values()
    schemas = document["components"]["schemas"]
    parts = {name: schema for name, schema in schemas.items() if name not in document["components"]["messages"]}
    return _PAGE.format(
        title=_text(info["title"]),
        version=_text(info["version"]),
        description=_prose(info.get("description", "")),
        contents="".join(f"<li>{_link(_id(operation), _heading(operation, document))}" for operation in operations),
        operations="".join(_operation(operation, document) for operation in operations),
        schemas="".join(_part(name, schema) for name, schema in parts.items()),
    )


def _text(value: Any) -> str:
    return escape(str(value))


def _prose(sentence: str) -> str:
    """Text in which `names` stand as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", _text(sentence))


def _code(value: Any) -> str:
    return f"<code>{_text(value)}</code>"


def _link(target: str, inner: str) -> str:
    return f'<a href="#{_text(target)}">{inner}</a>'


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _channel(operation: Node, document: Node) -> Node:
    channel: Node = document["channels"][_name(operation["channel"]["$ref"])]
    return channel


def _id(operation: Node) -> str:
    return f"{operation['action']}-{_name(operation['channel']['$ref'])}"


def _heading(operation: Node, document: Node) -> str:
    verb = "reads" if operation["action"] == "receive" else "writes"
    return f"<small>{verb}</small> {_code(_channel(operation, document)['address'])}"


def _operation(operation: Node, document: Node) -> str:
    messages = document["components"]["messages"]
    names = [_name(message["$ref"]) for message in operation["messages"]]
    return (
        f'<section id="{_text(_id(operation))}"><h2>{_heading(operation, document)}</h2>'
        f"<p>{_prose(_channel(operation, document).get('description', ''))} {_key(messages[names[0]])}</p>"
        + "".join(_message(messages[name], document) for name in names)
        + "</section>"
    )


def _key(message: Node) -> str:
    key = message.get("bindings", {}).get("kafka", {}).get("key", {})
    return f"Key: {_text(key['description'])}" if "description" in key else ""


def _message(message: Node, document: Node) -> str:
    return (
        f"<details><summary>{_code(message['name'])} {_prose(message.get('summary', ''))}</summary>"
        f"<p>Content type {_code(message['contentType'])}</p>"
        f"<h4>Headers</h4>{_table(message.get('headers', {}))}"
        f"<h4>Value</h4>{_payload(message['payload'], document)}"
        + "".join(_example(example) for example in message.get("examples", ()))
        + "</details>"
    )


def _payload(payload: Node, document: Node) -> str:
    if "$ref" not in payload:
        return f"<p>{_prose(payload.get('description', ''))}</p>"
    return _table(document["components"]["schemas"][_name(payload["$ref"])])


def _example(example: Node) -> str:
    shown = json.dumps(example["payload"], indent=2, ensure_ascii=False)
    return f"<h4>Example</h4><pre>{_text(shown)}</pre>"


def _part(name: str, schema: Node) -> str:
    shown = _table(schema) if "properties" in schema else f"<p>{_type(schema)}</p>"
    return (
        f'<section id="schema-{_text(name)}"><h3>{_text(name)}</h3>'
        f"<p>{_prose(schema.get('description', ''))}</p>{shown}</section>"
    )


def _table(schema: Node) -> str:
    """One row a field; the fields of an object within follow it under its name."""
    rows = "".join(
        f"<tr><td>{_code(name)}<td>{_type(field)}<td>{'required' if required else 'optional'}"
        f"<td>{_prose(field.get('description', ''))}"
        for name, field, required in _fields(schema, "")
    )
    return f"<table><tr><th>Field<th>Type<th>Presence<th>Meaning{rows}</table>" if rows else ""


def _fields(schema: Node, above: str) -> Iterator[tuple[str, Node, bool]]:
    for name, field in schema.get("properties", {}).items():
        yield above + name, field, name in schema.get("required", ())
        yield from _fields(field, f"{above}{name}.")


def _type(schema: Node) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = _name(schema["$ref"])
        return _link(f"schema-{name}", _text(name))
    if "anyOf" in schema:
        return " or ".join(_type(choice) for choice in schema["anyOf"])
    if "const" in schema:
        return _code(schema["const"])
    if "enum" in schema:
        return ", ".join(_code(value) for value in schema["enum"])
    return _collection(schema) or _simple(schema)


def _collection(schema: Node) -> str:
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "additionalProperties" in schema:
        return f"object of {_type(schema['additionalProperties'])}"
    return ""


def _simple(schema: Node) -> str:
    words = [_text(schema.get("format") or schema.get("type") or "any")]
    for word, limit in (("at least", "minimum"), ("above", "exclusiveMinimum"), ("at most", "maximum")):
        if limit in schema:
            words.append(f"{word} {schema[limit]}")
    if "maxLength" in schema:
        words.append(f"of at most {schema['maxLength']} characters")
    if "pattern" in schema:
        words.append(_code(schema["pattern"]))
    return " ".join(words)


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
:root {{ color-scheme: light dark; --line: color-mix(in srgb, currentColor 22%, transparent); }}
* {{ box-sizing: border-box; }}
body {{ font: 1rem/1.55 system-ui, sans-serif; max-width: 64rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }}
h1 {{ margin: 0; }} h1 small, h2 small {{ font-weight: normal; opacity: .7; }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 .25rem; }} h3 {{ font-size: 1rem; margin: 1.75rem 0 0; }}
h4 {{ margin: 1rem 0 .25rem; font-size: .9rem; }}
p {{ margin: .25rem 0 .5rem; }} a {{ color: LinkText; }}
code, pre {{ font: .875em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; }}
ul {{ padding-left: 1.2rem; }}
details {{ border-top: 1px solid var(--line); }} details[open] {{ padding-bottom: 1rem; }}
summary {{ cursor: pointer; padding: .5rem 0; }} summary code {{ font-weight: 600; margin-right: .5rem; }}
table {{ width: 100%; border-collapse: collapse; font-size: .9rem; }}
th, td {{ text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-top: 1px solid var(--line); }}
th {{ font-weight: 600; border-top: 0; }} td:first-child code {{ overflow-wrap: normal; }}
pre {{ overflow-x: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem; white-space: pre; }}
@media (max-width: 40rem) {{
  tr:first-child {{ display: none; }} tr {{ display: block; border-top: 1px solid var(--line); padding: .4rem 0; }}
  td {{ display: block; border: 0; padding: 0; }} td:nth-child(3) {{ opacity: .7; }}
}}
</style></head><body>
<header><h1>{title} <small>{version}</small></h1><p>{description}</p>
<p>The same as a document: <a href="asyncapi.json">asyncapi.json</a></p></header>
<nav><ul>{contents}</ul></nav>
<main>{operations}
<h2>Shared parts</h2>{schemas}</main>
</body></html>
"""
