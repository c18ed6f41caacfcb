"""Reading replies: what is one, what is none, and where it ends."""

import pytest

from notifier_service.delivery.smtp.replies import REPLY_BYTES, OutOfStep, Reply, ReplyReader
from tests.kit.cases import cases


def read(data: bytes) -> Reply | None:
    reader = ReplyReader()
    reader.feed(data)
    return reader.take()


@cases(
    ("data", "reply"),
    [
        (b"250 OK\r\n", Reply(250, "OK")),
        (b"250 OK\n", Reply(250, "OK")),
        (b"250\r\n", Reply(250, "")),
        (b"250 \r\n", Reply(250, "")),
        (b"250-one\r\n250-\r\n250 three\r\n", Reply(250, "one\n\nthree")),
        (b"599 odd\r\n", Reply(599, "odd")),
        (b"550 \xe4\xff\r\n", Reply(550, "\ufffd\ufffd")),
        (b"550 " + b"x" * (REPLY_BYTES - 6) + b"\r\n", Reply(550, "x" * (REPLY_BYTES - 6))),
    ],
)
def test_a_reply_is_read(data: bytes, reply: Reply) -> None:
    assert read(data) == reply


@cases(
    "data",
    [
        b"abc def\r\n",
        b"\r\n",
        b"\n",
        b"25 OK\r\n",
        b"2500 OK\r\n",
        b"-25 OK\r\n",
        b" 250 OK\r\n",
        b"150 soon\r\n",
        b"199 soon\r\n",
        b"600 beyond\r\n",
        b"999 beyond\r\n",
        b"\xc2\xb250 OK\r\n",
        b"250_OK\r\n",
        b"250-one\r\n550 two\r\n",
        b"250-one\r\n\r\n",
        b"250-one\r\ntwo\r\n",
        b"550 " + b"x" * (REPLY_BYTES - 5) + b"\r\n",
        b"x" * (REPLY_BYTES + 1),
        b"250-x\r\n" * (REPLY_BYTES // 7 + 1),
    ],
)
def test_what_is_no_reply_is_out_of_step(data: bytes) -> None:
    with pytest.raises(OutOfStep):
        read(data)


def test_a_reply_may_arrive_byte_by_byte() -> None:
    reader = ReplyReader()
    *first, last = b"250-one\r\n250 two\r\n"
    for byte in first:
        reader.feed(bytes([byte]))
        assert reader.take() is None
        assert not reader.empty
    reader.feed(bytes([last]))
    assert reader.take() == Reply(250, "one\ntwo")
    assert reader.empty


def test_what_comes_after_a_reply_stays_unread() -> None:
    reader = ReplyReader()
    reader.feed(b"250 OK\r\n250 surplus\r\n")
    assert reader.take() == Reply(250, "OK")
    assert not reader.empty


def test_a_reader_keeps_no_more_than_one_reply_may_have() -> None:
    reader = ReplyReader()
    for _ in range(1000):
        reader.feed(b"x" * 1000)
    assert len(reader._unread) == REPLY_BYTES + 1
