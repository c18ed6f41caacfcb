"""Headers as they are written, and as a reader gets them back."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from notifier_service.content import headers
from notifier_service.content.addresses import Mailbox

LONG = "Renewed automatically: $50.00 deducted, new expiration date March 10, 2027"


def _written(subject: str) -> bytes:
    mail = EmailMessage(policy=headers.policy())
    mail["Subject"] = subject
    return mail.as_bytes()


@pytest.mark.parametrize("words", [LONG * 3, "é: übergroß " * 20, "您的订阅: 2027年2月10日 " * 12, "x" * 200])
def test_a_subject_of_any_length_comes_back_as_it_was_written(words: str) -> None:
    for length in range(1, 200):
        subject = words[:length].strip()
        assert message_from_bytes(_written(subject), policy=policy.default)["Subject"] == subject


def test_a_subject_that_nearly_fits_begins_beside_its_name_and_keeps_every_line_short() -> None:
    lines = _written(LONG).splitlines()
    assert lines[0].startswith(b"Subject: Renewed automatically:")
    assert all(len(line) <= 78 for line in lines)


def test_a_second_subject_is_refused() -> None:
    mail = EmailMessage(policy=headers.policy())
    mail["Subject"] = LONG
    with pytest.raises(ValueError, match="at most 1"):
        mail["Subject"] = LONG


@pytest.mark.parametrize("name", ["Ada", "", 'Guard, "Inc."', "Ada (home)", "Zoë", "=?utf-8?q?a=2C_b?=", "Ada " * 30])
def test_a_recipient_is_written_as_the_standard_library_writes_one(name: str) -> None:
    for username in ("ada", "abc..def."):
        to = Mailbox(display_name=name, username=username, domain="example.com")
        ours, theirs = EmailMessage(policy=headers.policy()), EmailMessage(policy=policy.SMTP)
        ours["To"] = theirs["To"] = to
        assert ours.as_bytes() == theirs.as_bytes()


def test_a_header_that_mails_have_in_common_is_made_once_and_no_other_is() -> None:
    make = headers.policy().header_factory
    assert make("Content-Type", "text/html") is make("Content-Type", "text/html")
    assert make("Content-Type", "text/html") != make("Content-Type", "text/plain")
    assert make("To", "ada@example.com") is not make("To", "ada@example.com")


def test_an_identifier_is_one_line_as_it_is_and_a_line_break_in_it_is_refused() -> None:
    mail = EmailMessage(policy=headers.policy())
    mail["X-Tenure-Event"] = "e" * 200
    assert mail.as_bytes().splitlines()[0] == b"X-Tenure-Event: " + b"e" * 200
    with pytest.raises(ValueError, match="linefeed"):
        mail["X-Tenure-Type"] = "renewed\nBcc: eve@example.com"
