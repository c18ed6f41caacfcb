"""A kept mail as operators see it: as it was sent, but for what its links are signed with. Pure.

With the link of a mail its reader's inbox is opened for 24 hours, and emails are stopped for good; neither is for
whoever looks at a copy.
"""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

_WITH_LINKS: Final = ("text/plain", "text/html")
SIGNED: Final = re.compile(r"(?<=[?&;])(token|signature)=[\w.-]+")
"""What a link of ours is signed with; behind a `;` in HTML, where `&` is `&amp;`."""
_AS_IT_WAS: Final = SMTP.clone(refold_source="none")


def with_masked_links(mail: bytes) -> bytes:
    """The mail with `masked` for each token and signature; its other bytes as they are."""
    head, blank_line, body = mail.partition(b"\r\n\r\n")
    message = message_from_bytes(_masked(head.decode("ascii")).encode() + blank_line + body, policy=_AS_IT_WAS)
    for part in message.walk():
        if part.get_content_type() in _WITH_LINKS:
            _mask(part)
    return message.as_bytes()


def _mask(part: EmailMessage) -> None:
    text = part.get_content()
    if (masked := _masked(text)) != text:
        part.set_content(masked, part.get_content_subtype(), cte=part["Content-Transfer-Encoding"])
        del part["MIME-Version"]


def _masked(text: str) -> str:
    return SIGNED.sub(r"\1=masked", text)
