"""Content-Security-Policies of HTML pages: nothing is allowed but what a page names. Pure."""

from base64 import b64encode
from hashlib import sha256
from typing import Final

_NOTHING: Final = ("default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'")


def content_security_policy(*allowed: str) -> str:
    """A policy that allows these, such as `form-action 'self'`, and nothing else."""
    return "; ".join((*_NOTHING, *allowed))


def source_hash(text: str) -> str:
    """By which a policy allows one style or script that stands in the page."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
