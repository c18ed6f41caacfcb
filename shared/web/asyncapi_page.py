"""An AsyncAPI document as one HTML page: topics, messages, fields with meaning and example. Pure.

The page loads nothing and runs no script, and its Content-Security-Policy makes browsers enforce that. Everything from
the document is escaped. HTML and style: `templates/asyncapi.html` and `.css`.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from html import escape
from typing import Any, Final

from jinja2 import ChainableUndefined, Environment, PackageLoader

from shared.contracts.reference import anchor, type_of
from shared.web.content_policy import content_security_policy, source_hash

_CODE: Final = re.compile(r"`([^`]+)`")
_LINK: Final = re.compile(r"\[([^\]]+)\]\(#([A-Za-z0-9._-]+)\)")


def page(document: Mapping[str, Any]) -> str:
    """The page of an AsyncAPI document that `shared/contracts/asyncapi.py` made."""
    return _environment().get_template("asyncapi.html").render(document)


@cache
def page_policy() -> str:
    """Nothing may be loaded, and only the page's own style applies."""
    style = _environment().get_template("asyncapi.css").render()
    return content_security_policy("form-action 'none'", f"style-src {source_hash(style)}")


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("shared.web"), autoescape=True, undefined=ChainableUndefined)
    environment.filters |= {"anchor": anchor, "inline": _inline, "json": _json, "name": _name, "type": type_of}
    return environment


def _inline(text: str) -> str:
    """HTML of a text in which `` `x` `` is code and `[x](#y)` a link within the page; all else is escaped."""
    coded = _CODE.sub(r"<code>\1</code>", escape(text))
    return _LINK.sub(r'<a href="#\2">\1</a>', coded)


def _json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=False)


def _name(reference: str) -> str:
    """The last part of a `$ref`."""
    return reference.rpartition("/")[2]
