"""Dead letters: records that could not be read or applied, as received, with the reason in headers of their own.

A dead letter has a bound of its own (`sizes.AS_RECEIVED`): of a record beyond it the head is kept, with its full size
and SHA-256 digest in further headers. Once the person behind its account is forgotten, it is emptied (R48).
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

from shared.contracts.envelope import readable_id, readable_traceparent
from shared.contracts.scalars import ID_PATTERN
from shared.contracts.unreadable import Reason
from shared.kafka.record import Record
from shared.kafka.sizes import AS_RECEIVED, EVIDENCE, Content, Headers, cut
from shared.outbox.log import Entry
from shared.runtime.log_lines import DEAD_LETTER, LogMessage, trace_id

_DETAIL_CHARACTERS: Final = 2000
_KEPT_OF_AN_EMPTIED: Final = tuple(EVIDENCE + name for name in ("reason", "topic", "partition", "offset"))
_EMPTIED: Final = (f"{EVIDENCE}detail", b"emptied, since the person behind the account was forgotten")
_is_id: Final = re.compile(ID_PATTERN).fullmatch


def dead_letter(record: Record, reason: Reason, detail: str, *, topic: str, partitions: int) -> Entry:
    """The log entry for `record` on the dead-letter `topic`, which has so many `partitions`.

    Key, value and headers within their bounds stay as received; the `dead-letter-*` headers come after them. `detail`
    is cut off after 2,000 characters.
    """
    kept = cut(Content(record.key, record.value, tuple(record.headers)), AS_RECEIVED)
    added = {
        "reason": reason.value,
        "detail": detail[:_DETAIL_CHARACTERS],
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    return Entry(
        topic=topic,
        partition=record.partition % partitions,
        key=kept.key,
        value=kept.value,
        headers=(*kept.headers, *((EVIDENCE + name, text.encode("utf-8", "replace")) for name, text in added.items())),
        account_id=_account_of(record),
        enveloped=False,
    )


def emptied(entry: Entry) -> Entry:
    """A dead letter of an account whose person was forgotten: without value, and without what was received (R48)."""
    key = entry.account_id.encode() if entry.account_id else None
    return entry._replace(key=key, value=None, headers=emptied_headers(entry.headers))


def emptied_headers(headers: Headers) -> Headers:
    """Of its headers those that tell why it is a dead letter and where the record lay."""
    known = dict(headers)
    return (*((name, known[name]) for name in _KEPT_OF_AN_EMPTIED if name in known), _EMPTIED)


def named_account(key: bytes | None, attributes: Mapping[str, Any]) -> str | None:
    """The account that a record names, which may be no event at all: its subject, else `account_id`, else its key.

    `attributes`: as of `readable_attributes`.
    """
    data = attributes.get("data")
    account = attributes.get("subject") or (data.get("account_id") if isinstance(data, dict) else None)
    if account is not None:
        return str(account)
    return key.decode(errors="backslashreplace") if key else None


def readable_attributes(value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, Any]:
    """The attributes and `data` of a CloudEvent in structured or binary mode, as far as they can be read."""
    binary = {
        name[3:]: (text or b"").decode(errors="backslashreplace") for name, text in headers if name.startswith("ce_")
    }
    try:
        document = json.loads(value or b"")
    except (ValueError, RecursionError):
        document = None
    if binary:
        return {**binary, "data": document}
    return document if isinstance(document, dict) else {}


def _account_of(record: Record) -> str | None:
    """The account that is stored with a dead letter; None where it names none that can exist."""
    account = named_account(record.key, readable_attributes(record.value, record.headers))
    return account if account and _is_id(account) else None


def dead_letter_line(record: Record, reason: Reason, error: Exception | None = None) -> LogMessage:
    """What the log says of a dead letter; `error`: the fault of ours that made it one."""
    return DEAD_LETTER.of(
        error,
        reason=reason.value,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=partial(readable_id, record.value, record.headers),
        trace_id=lambda: trace_id(readable_traceparent(record.value, record.headers)),
    )
