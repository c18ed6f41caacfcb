"""One page with all previews in one language. Pure, but for its template, which is read once.

Each mail stands in a frame of its own, which may do nothing: neither run a script nor follow a link.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from notifier_service.content.samples.mails import Preview
from notifier_service.previews.viewports import VIEWPORTS, Scheme, text_of
from shared.web.content_policy import content_security_policy, source_hash


def gallery(
    previews: Iterable[Preview], language: str, *, languages: Mapping[str, str], frame: Callable[[str, Scheme], str]
) -> str:
    """The page. `languages`: each with the address of its page; `frame`: of a sample's mail, by its name and scheme."""
    kinds: dict[str, list[Preview]] = {}
    for preview in previews:
        kinds.setdefault(preview.sample.event.kind, []).append(preview)
    template = _environment().get_template("gallery.html")
    return template.render(
        kinds=kinds, language=language, languages=languages, viewports=VIEWPORTS, frame=frame, text_of=text_of
    )


def login_page(refusal: str) -> str:
    """The form that takes an operator's token; `refusal`: why the one that was given does not do, or nothing."""
    return _environment().get_template("login.html").render(refusal=refusal)


@cache
def gallery_policy() -> str:
    """Of both pages: their own style, frames and forms of this host, and nothing else."""
    return content_security_policy(f"style-src {source_hash(_style())}", "frame-src 'self'", "form-action 'self'")


def _style() -> str:
    return _environment().get_template("previews.css").render()


@cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("notifier_service.previews"), autoescape=True, undefined=StrictUndefined)
