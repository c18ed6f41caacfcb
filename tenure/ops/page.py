"""The page and its lists as HTML. Everything that comes from a topic is escaped.

The Content-Security-Policy lets a browser load scripts, styles and the stream from this process alone. `SECTIONS` are
the parts that are sent again, one by one, when they have changed.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from shared.web.content_policy import content_security_policy
from tenure.ops.calendar import money
from tenure.ops.overview import View
from tenure.ops.renewals import Outlook
from tenure.ops.words import OUTLOOKS

SECTIONS: Final = ("status", "states", "calendar", "flow", "refusals", "mails", "dead_letters")
POLICY: Final = content_security_policy(
    *("script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'", "form-action 'self'")
)
_FOLDER: Final = Path(__file__).with_name("templates")
OWN_FILES: Final[Mapping[str, str]] = {
    "ops.css": "text/css; charset=utf-8",
    "ops.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Name -> media type."""


def overview_page(view: View, *, charts: bool) -> str:
    """The page; `charts`: whether the chart library is there."""
    return _render("overview.html", sections=sections(view), charts=charts, currency=view.rules.catalog.currency)


def sections(view: View) -> Mapping[str, str]:
    """Name -> HTML."""
    made: Any = _environment().get_template("sections.html").module
    return {name: str(getattr(made, name)(view)) for name in SECTIONS}


def login_page(refusal: str) -> str:
    """Takes a token; `refusal`: why the one before does not do, or nothing."""
    return _render("login.html", refusal=refusal)


def list_page(template: str, **content: Any) -> str:
    """One of the lists."""
    return _render(template, **content)


def own_file(name: str) -> bytes:
    """A style, script or picture of the page."""
    return (_FOLDER / name).read_bytes()


def instant(at_ms: int) -> str:
    """To the second, in UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def readable(content: bytes | None) -> str:
    """Text; bytes that are none are escaped."""
    return (content or b"").decode(errors="backslashreplace")


def _render(template: str, **content: Any) -> str:
    return _environment().get_template(template).render(content)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tenure.ops"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"money": money, "instant": instant, "readable": readable}
    environment.globals |= {"outlooks": OUTLOOKS, "Outlook": Outlook}
    return environment
