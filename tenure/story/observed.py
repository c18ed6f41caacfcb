"""What a story sees from outside: lifecycle events, mails and dead letters."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from shared.kafka.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEvent:
    """One lifecycle event, by its short kind such as `renewed`."""

    kind: str
    account: str
    time: datetime
    data: Mapping[str, Any]
    envelope: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One mail as the mail server took it. `text`: its plain part; `event_id`: the lifecycle event that caused it."""

    kind: str
    to: Sequence[str]
    subject: str
    event_id: str
    text: str
    raw: bytes

    @property
    def html(self) -> str:
        """Its HTML part; empty where there is none."""
        return _part(message_from_bytes(self.raw, policy=policy.default), "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedDeadLetter:
    """One record that was not readable. `topic`: where it came from; `reason` and `detail`: why it was not."""

    reason: str
    detail: str
    topic: str
    key: bytes | None
    value: bytes | None


def event_of(record: Record) -> ObservedEvent:
    """The event of a record of `subscription-lifecycle`."""
    event = json.loads(record.value or b"")
    kind = event["type"].removeprefix("tenure.subscription.").removesuffix(".v1")
    time = datetime.fromisoformat(event["time"])
    return ObservedEvent(kind=kind, account=event["subject"], time=time, data=event["data"], envelope=event)


def dead_letter_of(record: Record) -> ObservedDeadLetter:
    """The dead letter of a record of `dead-letters`."""
    added = {name: (content or b"").decode() for name, content in record.headers if name.startswith("dead-letter-")}
    return ObservedDeadLetter(
        reason=added["dead-letter-reason"],
        detail=added["dead-letter-detail"],
        topic=added["dead-letter-topic"],
        key=record.key,
        value=record.value,
    )


def mail_of(raw: bytes, to: str) -> Mail:
    """The mail of these bytes, which the mail server took for this address."""
    message = message_from_bytes(raw, policy=policy.default)
    return Mail(
        kind=str(message["X-Tenure-Type"]),
        to=[to],
        subject=str(message["Subject"]),
        event_id=str(message["X-Tenure-Event"]),
        text=_part(message, "plain"),
        raw=raw,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""
