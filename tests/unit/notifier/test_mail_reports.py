"""What mail servers report of a mail that came back is read right; whatever else comes is refused with a sentence."""

from collections.abc import Mapping
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier_service.bounces.report import (
    MAX_PARTS,
    Identity,
    Report,
    UnreadableReport,
    identities,
    read_report,
)
from notifier_service.decisions.bounce import BounceKind, kind_of_refusal
from tests.kit.cases import cases
from tests.kit.mail_reports import NAMES, report

ID: Final = "ntf-0123456789abcdef01234567"
OTHER: Final = "ntf-ffffffffffffffffffffffff"
MAC: Final = "89abcdef0123456789abcdef"
EXPECTED: Final[Mapping[str, tuple[BounceKind, str]]] = {
    "postfix_unknown_user": (BounceKind.HARD, "550 5.1.1 <ada@customer.example>: Recipient address rejected"),
    "postfix_mailbox_full": (BounceKind.SOFT, "552 5.2.2 Mailbox is full"),
    "postfix_delayed": (BounceKind.SOFT, "4.4.1 connect to mx.customer.example"),
    "postfix_smtputf8": (BounceKind.HARD, "5.4.4 Host or domain name not found"),
    "exim_unknown_user": (BounceKind.HARD, "5.0.0 550 No such person at this address"),
    "exim_blocked": (BounceKind.SOFT, "5.0.0 554 5.7.1 Service unavailable"),
    "ses_bounce": (BounceKind.HARD, "550 5.1.1 user unknown"),
    "ses_complaint": (BounceKind.COMPLAINT, "abuse"),
    "generic_complaint": (BounceKind.COMPLAINT, "abuse"),
    "gmail_not_found": (BounceKind.HARD, "550-5.1.1 The email account that you tried to reach does not exist"),
    "gmail_delayed": (BounceKind.SOFT, "4.4.1 The recipient server did not accept our requests"),
}


def about_recipients(*groups: str) -> bytes:
    fields = "\n".join(f"\n{group}\n" for group in ("Reporting-MTA: dns; mx.example", *groups))
    return part("message/delivery-status", fields)


def part(media_type: str, body: str) -> bytes:
    return (
        f'Content-Type: multipart/report; boundary="b"\n\n--b\nContent-Type: text/plain\n\nHello\n'
        f"--b\nContent-Type: {media_type}\n{body}\n--b--\n"
    ).encode()


@cases("name", NAMES)
def test_the_reports_of_mail_servers_are_read_right(name: str) -> None:
    kind, detail = EXPECTED[name]
    raw = report(name, notification_id=ID, mac=MAC)
    for each in (raw, raw.replace(b"\r\n", b"\n")):
        read = read_report(each)
        assert read.kind is kind
        assert read.detail.startswith(detail)
        assert identities(each)[0] == Identity(ID, MAC)


@cases(
    ("reply", "status", "kind"),
    [
        ("550 no such user", "", BounceKind.HARD),
        ("550 5.1.1 no such user", "", BounceKind.HARD),
        ("550 5.1.10 recipient not found", "", BounceKind.HARD),
        ("550 5.4.1 Recipient address rejected: Access denied", "", BounceKind.HARD),
        ("553 mailbox name not allowed", "5.0.0", BounceKind.HARD),
        ("", "5.0.0", BounceKind.HARD),
        ("550 5.2.1 disabled", "5.0.0", BounceKind.HARD),
        ("550 5.1.8 bad sender", "", BounceKind.SOFT),
        ("552 mailbox full", "5.0.0", BounceKind.SOFT),
        ("552 5.2.2 mailbox full", "", BounceKind.SOFT),
        ("554 5.7.1 relay access denied", "", BounceKind.SOFT),
        ("550 5.7.26 unauthenticated", "5.7.26", BounceKind.SOFT),
        ("550 5.1.1 unknown", "5.7.1", BounceKind.SOFT),
        ("", "4.4.7", BounceKind.SOFT),
        ("451 later", "", BounceKind.SOFT),
    ],
)
def test_only_a_refusal_of_the_address_itself_is_hard(reply: str, status: str, kind: BounceKind) -> None:
    assert kind_of_refusal(reply, status) is kind


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "something"])
def test_a_mail_that_has_arrived_is_no_bounce(action: str) -> None:
    raw = about_recipients(f"Final-Recipient: rfc822; a@b.example\nAction: {action}\nStatus: 2.0.0")
    assert read_report(raw) == Report(None, "2.0.0")


def test_a_mail_that_has_arrived_at_one_of_several_addresses_is_no_hard_bounce() -> None:
    gone, there = "Action: failed\nStatus: 5.1.1", "Action: relayed\nStatus: 2.0.0"
    assert read_report(about_recipients(gone, gone)).kind is BounceKind.HARD
    assert read_report(about_recipients(gone, there)).kind is BounceKind.SOFT
    assert read_report(about_recipients(there, gone)).detail == "5.1.1"


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure"])
def test_not_every_feedback_is_a_complaint(kind: str) -> None:
    assert read_report(part("message/feedback-report", f"\nFeedback-Type: {kind}\nVersion: 1\n")) == Report(None, kind)


def test_an_answer_of_an_absent_reader_is_no_report() -> None:
    raw = f"To: bounce+{ID}.{MAC}@bounces.example\nSubject: Out of office\n\nI am away.\n".encode()
    with pytest.raises(UnreadableReport, match="no delivery status notification"):
        read_report(raw)


@cases(
    "raw",
    [
        b"",
        b"\0" * 1_000,
        b"Content-Type: multipart/report\n\nno boundary",
        b'Content-Type: multipart/report; boundary="b"\n\n--b--\n',
        b'Content-Type: multipart/report; boundary="b"\n\n',
        part("message/delivery-status", ""),
        part("message/delivery-status", "\n\n\n"),
        part("message/delivery-status", "\nStatus: 5.1.1"),
        part("message/feedback-report", "\nVersion: 1"),
        part("message/feedback-report", ""),
        about_recipients(*["Action: failed\nStatus: 5.1.1"] * 21),
        b"Content-Type: message/rfc822\n\n" * 10_000,
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n' * 10_000,
        b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nx\n" * (MAX_PARTS + 1) + b"--b--\n",
        b'Content-Type: multipart/report; boundary="b"; charset=\xff\n\n--b\nContent-Type: \xff/\xfe\n\n\xff\n--b--\n',
        part("message/delivery-status; charset=klingon", "Content-Transfer-Encoding: base64\n\n=?klingon?q?=FF?=\n"),
    ],
)
def test_what_is_no_report_is_refused_with_a_sentence(raw: bytes) -> None:
    with pytest.raises(UnreadableReport, match=r"^The .*\.$"):
        read_report(raw)


@given(st.sampled_from(NAMES), st.integers(0, 5_000), st.binary(max_size=40))
def test_a_damaged_report_is_read_or_refused(name: str, place: int, damage: bytes) -> None:
    raw = report(name, notification_id=ID, mac=MAC)
    place %= len(raw)
    try:
        read = read_report(raw[:place] + damage + raw[place + len(damage) // 2 :])
    except UnreadableReport:
        return
    assert len(read.detail) <= 2_001


def test_an_identity_with_a_signature_comes_first_and_each_comes_once() -> None:
    raw = f"{OTHER} {ID}.{MAC} {ID}.{MAC.upper()} {ID} {OTHER}.{MAC[1:]} {ID}.{MAC}0 x{ID.upper()}.{MAC}".encode()
    assert identities(raw)[0] == Identity(ID, MAC)
    assert identities(raw)[1:] == [Identity(OTHER, None), Identity(ID, None)]
    assert len(identities(b" ".join(f"ntf-{number:024x}".encode() for number in range(1_000)))) == 20
