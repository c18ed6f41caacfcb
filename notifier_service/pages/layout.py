"""HTML pages on one layout, with their style and script inside, and a policy that lets nothing else in. Pure.

Everything from outside is escaped. `default-src 'none'`, and style and script by their hashes: a page asks nothing of
any other host, and what somebody else has written into it does not run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from notifier_service.content.localizer import Localizer
from shared.web.content_policy import content_security_policy, source_hash

_ASSETS: Final = Path(__file__).parent / "assets"
_STYLES: Final = ("theme.css", "page.css")


@dataclass(frozen=True, slots=True)
class PageAssets:
    """Names in `assets/`; the scripts together are one module."""

    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()


def html_page(
    template: str,
    localizer: Localizer,
    values: Mapping[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    inside: PageAssets = PageAssets(),
) -> HTMLResponse:
    """A page of `templates/` in a reader's language and zone, with what is `inside` of it besides the layout's style.

    Every template has `text` (a sentence by its key), `counted` (one with a number), `language`, its `direction` and
    the `values`; among them `product`, the name of the brand, where there is one.
    """
    style, script = assets(*_STYLES, *inside.styles), assets(*inside.scripts)
    html = fragment(template, localizer, {"style": style, "script": script, **values})
    policy = policy_of(style, script)
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin", "Vary": "Accept-Language, Cookie"}
    return HTMLResponse(html, status, headers=headers)


def fragment(template: str, localizer: Localizer, values: Mapping[str, Any]) -> str:
    """The HTML of a template alone."""
    language = localizer.language
    sentences = {"text": localizer.text, "counted": localizer.counted}
    common = {"language": language.tag, "direction": language.direction, "product": None}
    return _environment().get_template(template).render({**sentences, **common, **values})


@cache
def assets(*names: str) -> str:
    """Files of `assets/`, one after the other."""
    return "".join((_ASSETS / name).read_text("utf-8") for name in names)


@cache
def policy_of(style: str, script: str) -> str:
    """Only this style and this script, if any; forms and requests go to this host."""
    allowed = [f"style-src {source_hash(style)}", "img-src data:", "form-action 'self'"]
    if script:
        allowed += [f"script-src {source_hash(script)}", "connect-src 'self'"]
    return content_security_policy(*allowed)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("notifier_service.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
