"""Dead letters: records that could not be read or applied, as received, with the reason in headers of their own.

A dead letter has a bound of its own (`sizes.AS_RECEIVED`): of a record beyond it the head is kept, with its full size
and SHA-256 digest in further headers.
"""

from functools import partial
from typing import Final

from shared.contracts.envelope import readable_id, readable_traceparent
from shared.contracts.unreadable import Reason
from shared.kafka.record import Record
from shared.kafka.sizes import AS_RECEIVED, EVIDENCE, Content, cut
from shared.outbox.log import Entry
from shared.runtime.log_lines import DEAD_LETTER, LogMessage, trace_id

_DETAIL_CHARACTERS: Final = 2000


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
        enveloped=False,
    )


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
