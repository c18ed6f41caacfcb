"""Whether a request comes from a page of ours: asked before a cookie is trusted with a change (CSRF).

Browsers say it themselves, by `Sec-Fetch-Site` (over HTTPS) and `Origin`, which no page can set. What sends neither is
no browser, and has its cookie from nobody but its owner.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from fastapi import Request

from shared.web.problems import Problem

_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_OURS: Final = ("same-origin", "none")


def check_same_origin(request: Request) -> None:
    """Raises `Problem` 403 for a change that another site asks for; whatever only reads is let through."""
    if request.method not in _SAFE and not _is_same_origin(request):
        raise Problem(HTTPStatus.FORBIDDEN, "This can be changed from a page of this service only.")


def _is_same_origin(request: Request) -> bool:
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site in _OURS
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
