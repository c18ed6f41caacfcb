"""Headers as they are written, and as a reader gets them back."""

from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from notifier_service.content import headers

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
