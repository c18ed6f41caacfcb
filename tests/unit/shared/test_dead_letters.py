"""A dead letter is the record as received, with the reason in headers of its own."""

import pytest

from shared.contracts.envelope import Reason
from shared.kafka.dead_letters import dead_letter
from shared.outbox import log
from tests.kit.records import kafka_record

RECEIVED = (("trace", b"\xff\x00"), ("none", None), ("empty", b""), ("trace", b"again"), ("sequence", b"7"))
ADDED = (
    ("dead-letter-reason", b"not_json"),
    ("dead-letter-detail", "line 1: \u00e9?".encode()),
    ("dead-letter-topic", b"test.purchases"),
    ("dead-letter-partition", b"7"),
    ("dead-letter-offset", b"12"),
)


@pytest.mark.parametrize(("key", "value"), [(b"\xff", b"{bad"), (None, None), (b"", b"")])
def test_key_value_and_headers_are_untouched_and_five_headers_come_after_them(
    key: bytes | None, value: bytes | None
) -> None:
    received = kafka_record("test.purchases", value, key=key, partition=7, offset=12, headers=RECEIVED)
    letter = dead_letter(received, Reason.NOT_JSON, "line 1: \u00e9\ud800", topic="dead-letters", partitions=3)
    assert (letter.key, letter.value, letter.partition) == (key, value, 1)
    assert tuple(log.unpack(log.pack(letter.headers))) == RECEIVED + ADDED
