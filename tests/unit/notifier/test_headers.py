"""Headers as they are written, and as a reader gets them back."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from itertools import product

import pytest

from notifier_service.content.addresses import Mailbox
from notifier_service.content.headers import header, identifier, recipient, sender, subject
from tests.kit.cases import cases

LONG = "Renewed automatically: $50.00 deducted, new expiration date March 10, 2027"


def _read(lines: str) -> str:
    """What a receiving program reads of a header."""
    [value] = message_from_bytes(lines.encode("ascii"), policy=policy.default).values()
    return str(value)


@pytest.mark.parametrize("words", [LONG * 3, "é: übergroß " * 20, "您的订阅: 2027年2月10日 " * 12, "x" * 200])
def test_a_subject_of_any_length_comes_back_as_it_was_written(words: str) -> None:
    for length in range(1, 200):
        text = words[:length].strip()
        assert _read(subject(text)) == text


def test_a_subject_that_nearly_fits_begins_beside_its_name_and_keeps_every_line_short() -> None:
    lines = subject(LONG).split("\r\n")
    assert lines[0].startswith("Subject: Renewed automatically:")
    assert all(len(line) <= 78 for line in lines)


@cases(
    "name",
    [
        *("Ada", "", 'Guard, "Inc."', "Ada (home)", "Zoë", "=?utf-8?q?a=2C_b?=", "Ada " * 30),
        *("林薇", "林 薇", "Ada 林", "林薇A", "林" * 14, "林" * 15, "林" * 16, "林" * 64, "\u00e9", "Éé", "\u202f林"),
    ],
)
def test_a_recipient_is_written_as_the_standard_library_writes_one(name: str) -> None:
    for username, domain in product(("ada", "abc..def."), ("example.com", f"{'d' * 40}.example.com")):
        to = Mailbox(display_name=name, username=username, domain=domain)
        mail = EmailMessage(policy=policy.SMTP)
        mail["To"] = to
        assert recipient(to).encode() + b"\r\n" == mail.as_bytes()


@pytest.mark.parametrize("value", ["a", "a" * 74, "a" * 75, "a " * 60, "é", "=?utf-8?q?a?=", "a\tb"])
def test_any_header_is_written_as_the_standard_library_writes_it(value: str) -> None:
    mail = EmailMessage(policy=policy.SMTP)
    mail["Auto"] = value
    assert header("Auto", value).encode() + b"\r\n" == mail.as_bytes()


def test_a_sender_is_written_and_read_by_the_standard_library() -> None:
    written = sender('"Guard, Inc." <notices@guard.example>')
    assert written.header == 'From: "Guard, Inc." <notices@guard.example>\r\n'
    assert (written.address.display_name, written.address.addr_spec) == ("Guard, Inc.", "notices@guard.example")


def test_an_identifier_is_one_line_as_it_is() -> None:
    assert identifier("X-Tenure-Event", "e" * 200) == f"X-Tenure-Event: {'e' * 200}\r\n"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\x0b", "\u2028"])
def test_a_line_break_is_refused_in_every_header(end: str) -> None:
    hostile = f"renewed{end}Bcc: eve@example.com"
    for write in (partial(identifier, "X-Tenure-Type"), partial(header, "Auto-Submitted"), subject, sender):
        with pytest.raises(ValueError, match="line"):
            write(hostile)
    with pytest.raises(ValueError, match=r"CR|LF|line"):  # the first two are refused by the address itself
        recipient(Mailbox(display_name=hostile, username="ada", domain="example.com"))
