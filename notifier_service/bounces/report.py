"""Reports about a mail that was sent, as mail servers write them: delivery status notifications (RFC 3464) and
complaints (RFC 5965). Pure.

A report may hold anything. What is not one of the two is refused with a sentence; the number of parts is bounded. Of
its words only what the mail server said is taken, and never an address: which address it was is known by the mail.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from typing import Final, TypeAlias

from notifier_service.decisions.bounce import BounceKind, kind_of_refusal

MAX_PARTS: Final = 20
MAX_RECIPIENTS: Final = 20
_DETAIL_CHARACTERS: Final = 1_000
_IDENTITY: Final = re.compile(rb"(ntf-[0-9a-f]{24})(?:\.([0-9a-f]{24}))?(?![0-9a-f])", re.IGNORECASE)
_IDENTITIES: Final = 20
_NOTIFICATIONS: Final = frozenset({"message/delivery-status", "message/global-delivery-status"})
_COMPLAINT: Final = "message/feedback-report"
_NO_COMPLAINTS: Final = frozenset({"not-spam", "auth-failure"})
_BLANK_LINES: Final = re.compile(r"\n[ \t\r]*\n")

Part: TypeAlias = "Message[str, str]"


class UnreadableReport(ValueError):
    """The message is a sentence for whoever reports."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A notification that a report names; `mac` is the signature beside it, or None."""

    notification_id: str
    mac: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """`kind` is None where the mail has arrived, or no complaint was made; `detail` is what the mail server said."""

    kind: BounceKind | None
    detail: str


def identities(raw: bytes) -> list[Identity]:
    """The notifications that a report names, wherever it does: in the address that it came to, in
    `Original-Envelope-Id`, or in the headers of the mail that came back. Each once, those with a signature first.
    """
    found: dict[Identity, None] = {}
    for match in _IDENTITY.finditer(raw):
        found[Identity(match[1].decode().lower(), match[2].decode().lower() if match[2] else None)] = None
        if len(found) == _IDENTITIES:
            break
    return sorted(found, key=lambda identity: identity.mac is None)


def read_report(raw: bytes) -> Report:
    """What a mail reports. Raises `UnreadableReport`."""
    if raw.lower().count(b"boundary=") > MAX_PARTS:
        raise UnreadableReport(f"The mail has more than {MAX_PARTS} levels of parts.")
    try:
        parts = _parts(message_from_bytes(raw))
    except (RecursionError, ValueError, LookupError) as error:
        if isinstance(error, UnreadableReport):
            raise
        raise UnreadableReport("The mail cannot be taken apart.") from None
    for part in parts:
        if part.get_content_type() in _NOTIFICATIONS:
            return _of_recipients(_fields(part))
        if part.get_content_type() == _COMPLAINT:
            return _of_complaint(_fields(part))
    raise UnreadableReport("The mail is no delivery status notification (RFC 3464) and no complaint (RFC 5965).")


def _parts(mail: Part) -> list[Part]:
    """The parts of a report, without those within the mail that came back."""
    if mail.get_content_maintype() != "multipart" or not mail.is_multipart():
        return [mail]
    parts = list(_children(mail))
    if len(parts) > MAX_PARTS:
        raise UnreadableReport(f"The mail has more than {MAX_PARTS} parts.")
    return parts


def _children(mail: Part) -> Iterator[Part]:
    """Some relays put the report into another mail: one level of multipart is looked into."""
    for part in _payload(mail):
        yield from _payload(part) if part.get_content_maintype() == "multipart" else [part]


def _payload(part: Part) -> Sequence[Part]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _fields(part: Part) -> list[Part]:
    """The groups of fields of a report's part: one about the report, the others one for each recipient."""
    groups = [group for group in _payload(part) if group.keys()]
    if part.get_content_type() in _NOTIFICATIONS and len(groups) > 1:
        return groups
    text = groups[0].as_string() if groups else _text(part)
    return [message_from_string(f"{group}\n\n") for group in _BLANK_LINES.split(text.replace("\r", "")) if group]


def _text(part: Part) -> str:
    decoded = part.get_payload(decode=True)
    return decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else ""


def _of_recipients(groups: Sequence[Part]) -> Report:
    """All that failed have to be the address's fault; a mail that has arrived somewhere is no hard bounce."""
    recipients = [group for group in groups if group["Action"] is not None]
    if not recipients:
        raise UnreadableReport("The delivery status notification says of no recipient what was done (Action).")
    if len(recipients) > MAX_RECIPIENTS:
        raise UnreadableReport(f"The delivery status notification has more than {MAX_RECIPIENTS} recipients.")
    kinds = [_kind(recipient) for recipient in recipients]
    failed = next((index for index, kind in enumerate(kinds) if kind), None)
    if failed is None:
        return Report(None, _detail(recipients[0]))
    hard = all(kind is BounceKind.HARD for kind in kinds)
    return Report(BounceKind.HARD if hard else BounceKind.SOFT, _detail(recipients[failed]))


def _kind(recipient: Part) -> BounceKind | None:
    match _value(recipient, "Action").partition(" ")[0].lower():
        case "failed":
            return kind_of_refusal(_reply(recipient), _value(recipient, "Status"))
        case "delayed":
            return BounceKind.SOFT
        case _:
            return None


def _reply(recipient: Part) -> str:
    """What the mail server said: `Diagnostic-Code` without its type (`smtp;`)."""
    kind, separator, reply = _value(recipient, "Diagnostic-Code").partition(";")
    return (reply if separator else kind).strip()


def _detail(recipient: Part) -> str:
    reply, status = _reply(recipient), _value(recipient, "Status").partition(" ")[0]
    return reply if status in reply else f"{status} {reply}".strip()


def _of_complaint(groups: Sequence[Part]) -> Report:
    if not groups or groups[0]["Feedback-Type"] is None:
        raise UnreadableReport("The complaint does not say of which type it is (Feedback-Type).")
    kind = _value(groups[0], "Feedback-Type").lower()
    return Report(None if kind in _NO_COMPLAINTS else BounceKind.COMPLAINT, kind)


def _value(fields: Part, name: str) -> str:
    """A field's value in one line; empty where it is missing."""
    return " ".join(str(fields[name] or "").split())[:_DETAIL_CHARACTERS]
