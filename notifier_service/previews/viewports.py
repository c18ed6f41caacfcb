"""A mail's page as a browser shows it without the mail around it: with its logo inside, by day or by night. Pure."""

from base64 import b64encode
from dataclasses import dataclass
from email.message import EmailMessage
from enum import StrEnum
from typing import Final


class Scheme(StrEnum):
    """By day or by night."""

    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Viewport:
    """How wide the window is, in pixels, and by day or by night."""

    name: str
    width: int
    scheme: Scheme


VIEWPORTS: Final = (
    Viewport("Desktop, light", 660, Scheme.LIGHT),
    Viewport("Desktop, dark", 660, Scheme.DARK),
    Viewport("Phone, light", 375, Scheme.LIGHT),
    Viewport("Phone, dark", 375, Scheme.DARK),
)
_NIGHT: Final = "(prefers-color-scheme: dark)"
_BOTH: Final = "light dark"


def page_of(mail: EmailMessage, scheme: Scheme) -> str:
    """The mail's HTML, in this scheme whatever the browser prefers."""
    html = _part(mail, "html").replace(_NIGHT, "all" if scheme is Scheme.DARK else "not all").replace(_BOTH, scheme)
    for picture in (part for part in mail.walk() if part.get_content_maintype() == "image"):
        data = f"data:{picture.get_content_type()};base64,{b64encode(picture.get_content()).decode()}"
        html = html.replace(f"cid:{picture['Content-ID'].strip('<>')}", data)
    return html


def text_of(mail: EmailMessage) -> str:
    """The mail's text, for programs that show no HTML."""
    return _part(mail, "plain")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    if part is None:
        raise AssertionError(f"every mail has a part {kind}")
    return str(part.get_content()).replace("\r\n", "\n")
