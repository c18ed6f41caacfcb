"""What could not be read, as received, with the reason beside it: an entry of the log."""

from shared.contracts.envelope import Reason
from shared.kafka.record import Record
from shared.outbox.log import Entry

_DETAIL_CHARACTERS = 2000


def dead_letter(record: Record, reason: Reason, detail: str, *, topic: str, partitions: int) -> Entry:
    """The received key, value and headers untouched, plus `dead-letter-*` headers, for `topic`."""
    told = {
        "dead-letter-reason": reason.value,
        "dead-letter-detail": detail[:_DETAIL_CHARACTERS],
        "dead-letter-topic": record.topic,
        "dead-letter-partition": str(record.partition),
        "dead-letter-offset": str(record.offset),
    }
    return Entry(
        topic=topic,
        partition=record.partition % partitions,
        key=record.key,
        value=record.value,
        headers=(
            *record.headers,
            *((name, value.encode("utf-8", "replace")) for name, value in told.items()),
        ),
        enveloped=False,
    )
