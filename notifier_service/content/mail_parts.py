"""The parts of a mail: texts and pictures, and what holds them together, each as it is sent. Pure.

They are what `EmailMessage.set_content`, `add_alternative`, `add_related` and `add_attachment` make, in a fraction of
the time: the standard library encodes texts in C, and nothing is parsed or split into lines to be put together.
A part is ASCII with CRLF: its headers, an empty line, its content.
"""

from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from functools import lru_cache

from notifier_service.content.logo import Logo


def text_part(text: str, content_type: str, disposition: str | None = None) -> bytes:
    """Text in UTF-8, as quoted-printable or base64, whichever is shorter: ASCII in lines of at most 76 characters.

    `content_type` with its parameters but for the character set, such as `text/calendar; method="PUBLISH"`.
    """
    kind, _, parameters = content_type.partition(";")
    content = text.encode()
    lines = content.splitlines()
    readable = b2a_qp(b"\n".join(lines) + b"\n")
    is_shorter = len(readable) <= len(content) * 4 // 3
    encoded = readable if is_shorter else encodebytes(b"\r\n".join(lines) + b"\r\n")
    headers = [
        f'Content-Type: {kind}; charset="utf-8"' + (f";{parameters}" if parameters else ""),
        f"Content-Transfer-Encoding: {'quoted-printable' if is_shorter else 'base64'}",
        *([f"Content-Disposition: {disposition}"] if disposition else []),
    ]
    return _part(headers, encoded.replace(b"\n", b"\r\n"))


@lru_cache(maxsize=8)
def logo_part(logo: Logo, content_id: str) -> bytes:
    """The picture that HTML names by `content_id`; the same in all mails."""
    part = EmailMessage(policy=SMTP)
    part.set_content(logo.content, "image", logo.subtype, cid=f"<{content_id}>", disposition="inline")
    del part["MIME-Version"]
    return part.as_bytes()


def multipart(subtype: str, parts: Sequence[bytes]) -> bytes:
    """A part that holds parts, such as `alternative`.

    What divides them is always the same: as no line of a part can begin, since both encodings are without `=_`
    (RFC 2045, 6.7).
    """
    divider = b"--=_" + subtype.encode()
    content = b"".join(divider + b"\r\n" + part + b"\r\n" for part in parts) + divider + b"--\r\n"
    return _part([f'Content-Type: multipart/{subtype}; boundary="=_{subtype}"'], content)


def _part(headers: Sequence[str], content: bytes) -> bytes:
    return "".join(f"{line}\r\n" for line in headers).encode("ascii") + b"\r\n" + content
