"""The parts of a mail as they are written, and as a reader gets them back."""

from email import message_from_bytes, policy
from typing import Any

import pytest

from notifier_service.content.mail_parts import multipart, text_part
from tests.kit.cases import cases

DIVIDER = "--=_alternative\n--=_mixed--\n"


def read_back(text: str) -> tuple[Any, bytes]:
    """The text beside another one, in a mail that was written and read, and its bytes."""
    body = [text_part(text, "text/plain"), text_part("<p>x</p>", "text/html")]
    written = multipart("mixed", [multipart("alternative", body)])
    read = message_from_bytes(written, policy=policy.default)
    assert [part.get_content_subtype() for part in read.walk()] == ["mixed", "alternative", "plain", "html"]
    return read.get_body(("plain",)), written


@cases("text", ["x", "a=b", ".", " a \n\n.\n", "From x", "x" * 2_000, "您的订阅 " * 300, "é" * 90, DIVIDER])
def test_a_text_comes_back_as_it_was_and_no_line_is_long_or_divides_parts(text: str) -> None:
    part, written = read_back(text)
    assert part.get_content().splitlines() == text.splitlines()
    assert not part.defects
    assert all(len(line) <= 78 and line.isascii() for line in written.split(b"\r\n"))


@pytest.mark.parametrize(("text", "encoding"), [("mostly ASCII, é", "quoted-printable"), ("您的订阅", "base64")])
def test_the_shorter_encoding_is_taken(text: str, encoding: str) -> None:
    assert read_back(text)[0]["Content-Transfer-Encoding"] == encoding


def test_a_part_has_the_parameters_and_the_disposition_that_are_given() -> None:
    written = text_part("x", 'text/calendar; method="PUBLISH"', 'attachment; filename="expiration.ics"')
    part = message_from_bytes(written, policy=policy.default)
    assert dict(part["Content-Type"].params) == {"charset": "utf-8", "method": "PUBLISH"}
    assert (part.get_content_disposition(), part.get_filename()) == ("attachment", "expiration.ics")
