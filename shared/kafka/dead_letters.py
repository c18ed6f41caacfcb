"""Dead letters: records that could not be read or applied, as received, with the reason in headers of their own."""

from typing import Final

from shared.contracts.envelope import Reason
from shared.kafka.record import Record
from shared.outbox.log import Entry

_DETAIL_CHARACTERS: Final = 2000


def dead_letter(record: Record, reason: Reason, detail: str, *, topic: str, partitions: int) -> Entry:
    """The log entry for `record` on the dead-letter `topic`, which has so many `partitions`.

    Key, value and headers stay as received; the `dead-letter-*` headers come after them. `detail` is cut off after
    2,000 characters.
    """
    added = {
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
        headers=(*record.headers, *((name, value.encode("utf-8", "replace")) for name, value in added.items())),
        enveloped=False,
    )
