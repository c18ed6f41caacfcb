"""A dead letter is the record as received, with the reason in headers of its own."""

from hashlib import sha256

import pytest

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.unreadable import Reason, Unreadable
from shared.kafka.dead_letters import dead_letter
from shared.kafka.sizes import KEPT_BYTES, MAX_HEADERS_BYTES, MAX_KEY_BYTES, check_size, headers_size
from shared.outbox import log
from shared.outbox.log import Entry
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


def stored_dead_letter(**content: object) -> Entry:
    record = kafka_record("test.purchases", **{"value": b"{}", **content})  # type: ignore[arg-type]
    return dead_letter(record, Reason.TOO_LARGE, "too large", topic="dead-letters", partitions=1)


def told(entry: Entry) -> dict[str, bytes | None]:
    return dict(entry.headers)


def digest(whole: bytes) -> bytes:
    return sha256(whole).hexdigest().encode()


def test_a_value_is_kept_up_to_its_bound_and_one_byte_beyond_only_its_head() -> None:
    whole = b"v" * MAX_VALUE_BYTES
    kept = stored_dead_letter(value=whole)
    assert (kept.value, "dead-letter-value-size" in told(kept)) == (whole, False)
    cut = stored_dead_letter(value=whole + b"!")
    assert cut.value == whole[:KEPT_BYTES]
    assert told(cut)["dead-letter-value-size"] == b"1000001"
    assert told(cut)["dead-letter-value-sha256"] == digest(whole + b"!")
    assert told(cut)["dead-letter-reason"] == b"too_large"


def test_a_key_is_kept_up_to_its_bound_and_one_byte_beyond_only_its_head() -> None:
    whole = b"k" * MAX_KEY_BYTES
    assert stored_dead_letter(key=whole).key == whole
    cut = stored_dead_letter(key=whole + b"!")
    assert (cut.key, told(cut)["dead-letter-key-size"]) == (whole, b"65537")
    assert told(cut)["dead-letter-key-sha256"] == digest(whole + b"!")


@pytest.mark.parametrize("name", ["x", "\u00e9", "\udcff"])
def test_headers_are_kept_up_to_their_bound_and_one_byte_beyond_those_that_fit(name: str) -> None:
    room = MAX_HEADERS_BYTES - headers_size(((name, b""), ("small", b"1")))
    fitting = ((name, b"h" * room), ("small", b"1"))
    assert stored_dead_letter(headers=fitting).headers[:2] == fitting
    too_many = ((name, b"h" * (room + 1)), ("small", b"1"))
    cut = stored_dead_letter(headers=too_many)
    assert (cut.headers[0], "small" in told(cut)) == (too_many[0], False)
    assert told(cut)["dead-letter-headers-size"] == b"%d" % sum(
        len(name.encode("utf-8", "surrogateescape")) + len(value) for name, value in too_many
    )
    beyond = stored_dead_letter(headers=((name, b"h" * MAX_HEADERS_BYTES), ("small", b"1")))
    assert beyond.headers[0] == ("small", b"1")  # a header that does not fit keeps out none after it


@pytest.mark.slow
def test_nobody_makes_a_dead_letter_larger_than_a_broker_takes_by_default() -> None:
    huge = (("dead-letter-reason", b"\x00" * 200_000_000), *((f"h{number}", b"") for number in range(50_000)))
    letter = stored_dead_letter(key=b"k" * 1_000_000, value=b"v" * 17_000_000, headers=huge)
    assert len(letter.value or b"") + len(letter.key or b"") + headers_size(letter.headers) < 250_000
    assert told(letter)["dead-letter-reason"] == b"too_large"


def test_a_record_with_a_key_or_headers_beyond_their_bounds_is_not_read() -> None:
    check_size(kafka_record("any", b"{}", key=b"k" * MAX_KEY_BYTES, headers=(("x", b"h" * (MAX_HEADERS_BYTES - 17)),)))
    for record in (
        kafka_record("any", b"{}", key=b"k" * (MAX_KEY_BYTES + 1)),
        kafka_record("any", b"{}", headers=(("x", b"h" * (MAX_HEADERS_BYTES - 16)),)),
    ):
        with pytest.raises(Unreadable) as raised:
            check_size(record)
        assert raised.value.reason is Reason.TOO_LARGE
