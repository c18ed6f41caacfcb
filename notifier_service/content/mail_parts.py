"""The parts of a mail: texts and pictures, and what holds them together. Pure.

They are what `EmailMessage.set_content`, `add_alternative`, `add_related` and `add_attachment` make, in a fraction of
the time: each header is given whole, and the standard library encodes in C.
"""

from binascii import b2a_qp
from collections.abc import Sequence
from email.base64mime import body_encode
from email.message import EmailMessage
from functools import lru_cache

from notifier_service.content.headers import policy
from notifier_service.content.logo import Logo


def text_part(text: str, content_type: str, disposition: str | None = None) -> EmailMessage:
    """Text in UTF-8, as quoted-printable or base64, whichever is shorter: ASCII in lines of at most 76 characters.

    `content_type` with its parameters but for the character set, such as `text/calendar; method="PUBLISH"`.
    """
    kind, _, parameters = content_type.partition(";")
    part = EmailMessage(policy=policy())
    part["Content-Type"] = f'{kind}; charset="utf-8"' + (f";{parameters}" if parameters else "")
    content = text.encode()
    lines = content.splitlines()
    readable = b2a_qp(b"\n".join(lines) + b"\n").decode("ascii")
    is_shorter = len(readable) <= len(content) * 4 // 3
    part["Content-Transfer-Encoding"] = "quoted-printable" if is_shorter else "base64"
    part.set_payload(readable if is_shorter else body_encode(b"\r\n".join(lines) + b"\r\n"))
    if disposition:
        part["Content-Disposition"] = disposition
    return part


@lru_cache(maxsize=8)
def logo_part(logo: Logo, content_id: str) -> EmailMessage:
    """The picture that HTML names by `content_id`; the same in all mails."""
    part = EmailMessage(policy=policy())
    part.set_content(logo.content, "image", logo.subtype, cid=f"<{content_id}>", disposition="inline")
    del part["MIME-Version"]
    return part


def multipart(subtype: str, parts: Sequence[EmailMessage]) -> EmailMessage:
    """A part that holds parts, such as `alternative`."""
    part = EmailMessage(policy=policy())
    set_parts(part, subtype, parts)
    return part


def set_parts(mail: EmailMessage, subtype: str, parts: Sequence[EmailMessage]) -> None:
    """Make a mail, or a part, hold these parts.

    What divides them is always the same: as no line of a part can begin, since both encodings are without `=_`
    (RFC 2045, 6.7).
    """
    mail["Content-Type"] = f'multipart/{subtype}; boundary="=_{subtype}"'
    mail.set_payload(list(parts))
