"""Whatever a fetch returns is turned into batches that aiokafka reads, in bounded memory."""

import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.envelope import MAX_VALUE_BYTES
from shared.contracts.unreadable import Reason
from shared.kafka.sizes import KEPT_BYTES, MAX_HEADERS_BYTES, MAX_KEY_BYTES
from shared.kafka.wire import cleaning
from shared.kafka.wire.cleaning import Cleaned, clean
from tests.kit.cases import cases
from tests.kit.examples import examples
from tests.kit.raw_batches import CODECS, raw_batch, raw_record, read_back

END = 1_000_000
MEGABYTE = 1024 * 1024


def answers(batches: bytes, offset: int = 0, end: int = END) -> Iterator[Cleaned]:
    """One answer after the other, as a consumer asks for them, until nothing new comes."""
    known = None
    while True:
        cleaned = clean(batches, offset=offset, end=end, open_batch=known)
        yield cleaned
        known = cleaned.open_batch
        for record in read_back(cleaned.batches):
            offset = record.offset + 1
        if known is None:
            return


def records(cleaned: Cleaned) -> list[tuple[int, bytes | None]]:
    return [(one.offset, one.value) for one in read_back(cleaned.batches)]


def only(batches: bytes, **arguments: Any) -> Cleaned:
    (answer,) = answers(batches, **arguments)
    return answer


@cases("codec", CODECS)
@cases("size", [0, 10, 300_000])
def test_sound_batches_of_every_codec_stay_what_they_are(codec: str, size: int) -> None:
    first = raw_batch(*(raw_record(number, b"v" * size) for number in range(3)), codec=codec)
    second = raw_batch(raw_record(0, None, [(b"h", b"1"), (b"n", None)], key=b"k"), base=3, codec=codec)
    cleaned = only(first + second)
    assert records(cleaned) == [(number, b"v" * size) for number in range(3)] + [(3, None)]
    assert (cleaned.faults, cleaned.standstill) == ({}, "")
    last = list(read_back(cleaned.batches))[-1]
    assert (last.key, list(last.headers)) == (b"k", [("h", b"1"), ("n", None)])


def test_a_plain_batch_that_is_sound_is_not_written_anew() -> None:
    batch = raw_batch(raw_record(0, b"a"))
    assert only(batch).batches == batch


@cases("codec", CODECS)
def test_a_header_whose_name_is_no_utf8_makes_its_record_unreadable_and_no_other(codec: str) -> None:
    bad = raw_record(1, b"bad", [(b"\xff\xfe", b"x"), (b"fine", b"y")], key=b"k")
    cleaned = only(raw_batch(raw_record(0, b"a"), bad, raw_record(2, b"c"), codec=codec))
    assert records(cleaned) == [(0, b"a"), (1, b"bad"), (2, b"c")]
    kept = list(read_back(cleaned.batches))[1]
    assert (kept.key, list(kept.headers)) == (b"k", [("\\xff\\xfe", b"x"), ("fine", b"y")])
    assert list(cleaned.faults) == [1]
    assert cleaned.faults[1].reason is Reason.INVALID_DATA
    assert "b'\\xff\\xfe'" in cleaned.faults[1].detail


def test_a_wrong_checksum_makes_all_records_of_its_batch_unreadable_and_no_others() -> None:
    damaged = raw_batch(raw_record(0, b"a"), raw_record(1, b"b"), base=5, checksum=1)
    cleaned = only(raw_batch(raw_record(0, b"before"), base=4) + damaged + raw_batch(raw_record(0, b"after"), base=7))
    assert records(cleaned) == [(4, b"before"), (5, b"a"), (6, b"b"), (7, b"after")]
    assert {(offset, fault.reason) for offset, fault in cleaned.faults.items()} == {
        (5, Reason.INTERNAL_ERROR),
        (6, Reason.INTERNAL_ERROR),
    }


@pytest.mark.parametrize(
    ("batch", "why"),
    [
        (raw_batch(raw_record(0, b"a"), raw_record(1, b"b"), base=5, attributes=6), "codec 6 is not known"),
        (raw_batch(raw_record(0, b"a"), raw_record(1, b"b"), base=5, attributes=4), "data are damaged"),
        (raw_batch(b"\xff" * 40, base=5, last_offset_delta=1, record_count=2), "more than 64 bits"),
        (raw_batch(b"\x02\x00", base=5, last_offset_delta=1, record_count=2), "end too early"),
    ],
    ids=["unknown codec", "damaged data", "number too large", "too short"],
)
def test_a_batch_that_cannot_be_decoded_is_one_unreadable_record_with_its_bytes(batch: bytes, why: str) -> None:
    cleaned = only(batch + raw_batch(raw_record(0, b"after"), base=7))
    assert records(cleaned) == [(5, batch), (7, b"after")]
    assert list(cleaned.faults) == [5]
    assert cleaned.faults[5].reason is Reason.INTERNAL_ERROR
    assert cleaned.faults[5].detail.startswith("offsets 5 to 6 cannot be decoded: ")
    assert why in cleaned.faults[5].detail


@cases("codec", CODECS)
def test_records_before_the_damage_are_read(codec: str) -> None:
    batch = raw_batch(raw_record(0, b"a"), b"\x7e" * 3, codec=codec, last_offset_delta=1)
    cleaned = only(batch)
    assert records(cleaned) == [(0, b"a"), (1, batch)]
    assert cleaned.faults[1].detail.startswith("offset 1 cannot be decoded")


def test_one_record_whose_fields_do_not_fit_its_length_is_unreadable_alone() -> None:
    cleaned = only(raw_batch(raw_record(0, b"a"), b"\x0e\x00\x00\x02\x50\x01\x01\x00", raw_record(2, b"c")))
    assert [record for record in records(cleaned) if record[0] != 1] == [(0, b"a"), (2, b"c")]
    assert "the record cannot be decoded" in cleaned.faults[1].detail


@pytest.mark.parametrize("delta", [-1, 2, 2**31 - 1])
def test_a_damaged_batch_that_does_not_say_where_it_ends_is_a_standstill(delta: int) -> None:
    good = raw_batch(raw_record(0, b"a"))
    damaged = raw_batch(raw_record(0, b"b"), base=1, checksum=1, last_offset_delta=delta)
    cleaned = only(good + damaged, end=3)
    assert records(cleaned) == [(0, b"a")]
    assert "the batch is damaged" in cleaned.standstill


def test_a_batch_that_comes_before_what_was_asked_for_is_a_standstill() -> None:
    assert "the batch is damaged" in only(raw_batch(raw_record(0, b"a"), base=4), offset=5).standstill


@cases("length", [-1, 0, 4, 5, 20, 2**31 - 1])
def test_a_length_that_cannot_be_is_a_standstill(length: int) -> None:
    assert only(raw_batch(raw_record(0, b"a"), length=length)).standstill


def test_the_last_batch_may_be_cut_off_by_the_broker() -> None:
    first, second = raw_batch(raw_record(0, b"a")), raw_batch(raw_record(0, b"b"), base=1)
    cleaned = only(first + second[:-1])
    assert (records(cleaned), cleaned.standstill) == ([(0, b"a")], "")


def test_nothing_fetched_is_nothing() -> None:
    assert only(b"") == Cleaned(b"", {})


def test_transaction_markers_stay_as_they_are() -> None:
    marker = raw_batch(raw_record(0, b"\0\0\0\0\0\0", key=b"\0\0\0\1"), attributes=0x30, producer_id=7)
    assert only(marker).batches == marker


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("size", [MAX_VALUE_BYTES, MAX_VALUE_BYTES + 1, 17 * MEGABYTE])
def test_a_large_value_is_kept_up_to_its_bound(codec: str, size: int) -> None:
    value = b"v" * size
    batch = raw_batch(raw_record(0, value, [(b"h", b"1")]), raw_record(1, b"after"), codec=codec)
    found = [one for answer in answers(batch) for one in read_back(answer.batches)]
    faults = {offset: fault for answer in answers(batch) for offset, fault in answer.faults.items()}
    assert [one.offset for one in found] == [0, 1]
    assert found[1].value == b"after"
    if size <= MEGABYTE:  # whole here; the reader cuts what passes the bound
        assert (found[0].value, faults) == (value, {})
    else:
        assert found[0].value == value[:KEPT_BYTES]
        told = dict(found[0].headers)
        assert told["dead-letter-value-size"] == b"%d" % size
        assert told["dead-letter-value-sha256"] == sha256(value).hexdigest().encode()
        assert told["h"] == b"1"
        assert faults[0].reason is Reason.TOO_LARGE
        assert faults[0].detail == f"value: {size} bytes, at most {MAX_VALUE_BYTES} are read"


def test_a_large_key_and_large_headers_are_kept_up_to_their_bounds() -> None:
    large = b"k" * (3 * MEGABYTE)
    headers = [(b"first", b"1"), (b"large", large), (large, b"name"), *[(b"many", b"x" * 100)] * 2000, (b"last", b"2")]
    batch = raw_batch(raw_record(0, b"a", headers, key=large), raw_record(1, b"after"), codec="zstd")
    cleaned = only(batch)
    found = list(read_back(cleaned.batches))
    assert (found[0].value, found[1].value) == (b"a", b"after")
    assert found[0].key == large[:KEPT_BYTES]
    told = dict(found[0].headers)
    whole = b"".join(name + (content or b"") for name, content in headers)
    assert told["first"] == b"1"
    assert told["dead-letter-key-size"] == b"%d" % len(large)
    assert told["dead-letter-headers-size"] == b"%d" % len(whole)
    assert told["dead-letter-headers-sha256"] == sha256(whole).hexdigest().encode()
    assert sum(len(name) + len(content) + 16 for name, content in found[0].headers) <= MAX_HEADERS_BYTES
    assert cleaned.faults[0].detail == f"key: {len(large)} bytes, at most {MAX_KEY_BYTES} are read"


@pytest.mark.slow
@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_a_batch_of_many_large_records_comes_in_answers_of_bounded_size(codec: str) -> None:
    batch = raw_batch(*(raw_record(number, b"%03d" % number + b"v" * 900_000) for number in range(100)), codec=codec)
    seen = []
    for answer in answers(batch):
        assert len(answer.batches) <= cleaning.BUDGET_BYTES + 3 * MEGABYTE
        seen += [(one.offset, one.value[:3]) for one in read_back(answer.batches)]
    assert seen == [(number, b"%03d" % number) for number in range(100)]


def test_a_batch_may_be_fetched_from_its_middle() -> None:
    batch = raw_batch(*(raw_record(number, b"v" * 900_000) for number in range(20)), codec="zstd")
    cleaned = clean(batch, offset=12, end=20)
    assert cleaned.open_batch is not None
    assert [one.offset for one in read_back(cleaned.batches)][-1] < 19


@pytest.mark.slow
def test_a_small_batch_that_is_very_large_inside_needs_little_memory_and_lets_others_work() -> None:
    value = b"\0" * (300 * MEGABYTE)
    batch = raw_batch(raw_record(0, value), raw_record(1, b"after"), codec="zstd")
    digest = sha256(value).hexdigest().encode()
    del value
    assert len(batch) < 20_000
    tracemalloc.start()
    found = list(answers(batch))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * MEGABYTE
    assert len(found) >= 300 * MEGABYTE / cleaning.WORK_BYTES
    first, second = [one for answer in found for one in read_back(answer.batches)]
    assert dict(first.headers)["dead-letter-value-sha256"] == digest
    assert second.value == b"after"


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_several_frames_of_a_codec_are_read_as_one(codec: str) -> None:
    body = raw_record(0, b"a"), raw_record(1, b"b")
    whole = raw_batch(*body, codec=codec)
    parts = [raw_batch(each, codec=codec)[61:] for each in body]
    batch = raw_batch(b"".join(parts), attributes=CODECS[codec], last_offset_delta=1, record_count=2)
    assert records(only(batch)) == records(only(whole))


def test_snappy_in_the_blocks_of_javas_clients_is_read() -> None:
    from aiokafka.codec import snappy_encode  # noqa: PLC0415

    body = snappy_encode(raw_record(0, b"v" * 100_000))
    assert records(only(raw_batch(body, attributes=2))) == [(0, b"v" * 100_000)]


headers = st.lists(st.tuples(st.binary(max_size=8), st.none() | st.binary(max_size=8)), max_size=3)
values = st.none() | st.binary(max_size=30)


@given(codec=st.sampled_from(list(CODECS)), content=st.lists(st.tuples(values, headers), min_size=1, max_size=4))
def test_any_records_come_out_at_their_offsets(codec: str, content: list[tuple[bytes | None, Any]]) -> None:
    batch = raw_batch(*(raw_record(number, *one) for number, one in enumerate(content)), base=9, codec=codec)
    assert records(only(batch)) == [(9 + number, value) for number, (value, _) in enumerate(content)]


@settings(max_examples=examples(500))
@given(
    codec=st.sampled_from(list(CODECS)),
    damage=st.dictionaries(st.integers(0, 200), st.integers(0, 255), min_size=1, max_size=6),
    rightly_summed=st.booleans(),
)
def test_whatever_bytes_are_damaged_what_comes_out_can_be_read_and_neighbours_are_whole(
    codec: str, damage: dict[int, int], rightly_summed: bool
) -> None:
    batch = bytearray(raw_batch(*(raw_record(number, b"value%d" % number) for number in range(4)), base=3, codec=codec))
    for at, byte in damage.items():
        batch[17 + at % (len(batch) - 17)] = byte
    if rightly_summed:
        from aiokafka.record.util import calc_crc32c  # noqa: PLC0415

        batch[17:21] = calc_crc32c(bytes(batch[21:])).to_bytes(4, "big")
    before, after = raw_batch(raw_record(0, b"before"), base=2), raw_batch(raw_record(0, b"after"), base=7)
    found: list[tuple[int, bytes | None]] = []
    for answer in answers(before + bytes(batch) + after, offset=2, end=8):
        found += records(answer)
    assert found[0] == (2, b"before")
    assert answer.standstill or found[-1] == (7, b"after")


@given(st.binary(max_size=200))
def test_any_bytes_at_all_come_to_an_end(batches: bytes) -> None:
    for answer in answers(batches, end=10):
        list(read_back(answer.batches))
