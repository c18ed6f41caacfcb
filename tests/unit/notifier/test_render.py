"""The mail as an object: its parts, its headers, and that nobody can add anything to them."""

import re
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier_service.content.addresses import UnusableAddress
from notifier_service.content.render import Links
from shared.contracts.types import Contact
from tests.kit.cases import cases
from tests.unit.notifier import samples, variants

HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Tenure-Notification",
    "X-Tenure-Event",
    "X-Tenure-Type",
    "MIME-Version",
    "Content-Type",
}
HOSTILE_NAMES = (
    "Ada\r\nBcc: eve@example.com",
    "Ada\nX-Injected: yes",
    "<script>alert(1)</script>",
    'Ada "the first" <eve@example.com>, bob@example.com',
    "\u202etxt.exe\u202c\u2066Ada\u2069",
    "Ada\x00\x07\x1b[31m",
    "=?utf-8?q?Bcc=3A_eve?=",
    "林小雨" * 80,
    "A" * 256,
    "",
    "   ",
    "\\",
    "Ada;,:()",
)
USELESS = (
    "ada",
    "@example.com",
    "ada@",
    "ada lovelace@example.com",
    "ada@example.com,eve@example.com",
    "ada@example.com\r\nBcc: eve@example.com",
    "ada@exam\nple.com",
    "<ada@example.com>",
    "ada@@example.com",
    "ada@-example.com",
    "ada@example..com",
    "äda@example.com",
    "ada@[127.0.0.1]",
    "ada\u202e@example.com",
    "a" * 65 + "@example.com",
    "ada@" + "a." * 140 + "com",
)


def mail_of(contact: Contact = samples.ADA, data: Any = samples.expired, **changes: Any) -> EmailMessage:
    return samples.mail(data, contact, **changes)


def test_the_headers_are_those_of_the_contract() -> None:
    mail = mail_of()
    assert mail["Message-ID"] == "<ntf-0123456789abcdef01234567@guard.example>"
    assert mail["X-Tenure-Notification"] == "ntf-0123456789abcdef01234567"
    assert mail["X-Tenure-Event"] == "lc-0007"
    assert mail["X-Tenure-Type"] == "expired"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == samples.NOON
    assert mail["From"] == "Guard <notices@guard.example>"
    assert mail["To"] == "Ada Lovelace <ada@example.com>"
    assert sorted(mail.keys()) == sorted(HEADERS)


def test_a_mail_has_a_text_and_an_html_part() -> None:
    mail = mail_of()
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_a_retry_is_the_same_message() -> None:
    assert mail_of()["Message-ID"] == mail_of()["Message-ID"]


def test_what_sets_the_expiration_date_or_reminds_of_it_has_an_attachment_and_nothing_else() -> None:
    with_file = {"activated", "renewed", "renewal_due", "renewal_cancelled", "extended"}
    for _, data in variants.mailed():
        mail = mail_of(data=data)
        assert bool(list(mail.iter_attachments())) == (mail["X-Tenure-Type"] in with_file)


def test_no_link_is_shown_that_does_not_exist() -> None:
    mail = mail_of(links=Links())
    assert "href" not in part_of(mail, "html")
    assert "http" not in part_of(mail, "plain")


def test_a_link_is_escaped_in_html_and_whole_in_the_text() -> None:
    mail = mail_of()
    assert 'href="https://guard.example/inbox?token=a.b.c&amp;from=mail"' in part_of(mail, "html")
    assert "https://guard.example/inbox?token=a.b.c&from=mail" in part_of(mail, "plain")


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_every_mail_keeps_to_the_lines_of_smtp(language: str) -> None:
    contact = replace(samples.ADA, locale=language)
    for _, data in variants.mailed():
        wire = samples.wire(data, contact)
        lines = wire.split(b"\r\n")
        assert b"\n" not in wire.replace(b"\r\n", b"")
        assert max(map(len, lines)) <= 998
        assert wire.isascii()


def test_the_language_of_the_page_is_the_readers() -> None:
    assert '<html lang="zh-CN" dir="ltr">' in part_of(mail_of(samples.LIN), "html")
    assert '<html lang="en" dir="ltr">' in part_of(mail_of(replace(samples.LIN, locale="fr")), "html")


def test_long_ids_stay_as_they_are_on_the_wire() -> None:
    domain = "notices." + "subdomain." * 8 + "example"
    wire = samples.wire(samples.expired, id="e:" * 64, mail_domain=domain)
    assert f"\r\nX-Tenure-Event: {'e:' * 64}\r\n".encode() in wire
    assert f"\r\nMessage-ID: <{samples.metadata().notification_id}@{domain}>\r\n".encode() in wire


@cases("name", HOSTILE_NAMES)
def test_a_hostile_name_stays_a_name(name: str) -> None:
    mail = mail_of(replace(samples.ADA, name=name))
    assert sorted(mail.keys()) == sorted(HEADERS)
    assert [address.addr_spec for address in mail["To"].addresses] == ["ada@example.com"]
    assert "<script" not in part_of(mail, "html")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b]", part_of(mail, "html") + part_of(mail, "plain"))


@given(name=st.text(max_size=256))
def test_any_name_makes_one_recipient_and_no_header(name: str) -> None:
    seen = mail_of(replace(samples.ADA, name=name))
    assert sorted(seen.keys()) == sorted(HEADERS)
    assert [address.addr_spec for address in seen["To"].addresses] == ["ada@example.com"]


@pytest.mark.parametrize("name", ["www.evil.example", "https://evil", "eve@evil.example", "click evil.com now"])
def test_a_name_that_is_a_link_is_not_repeated(name: str) -> None:
    mail = mail_of(replace(samples.ADA, name=name))
    assert "evil" not in part_of(mail, "plain") + part_of(mail, "html") + str(mail["To"])
    assert "Hello,\n" in part_of(mail, "plain")


@cases("address", USELESS)
def test_an_address_that_is_none_is_unusable_and_not_repeated(address: str) -> None:
    with pytest.raises(UnusableAddress) as refusal:
        mail_of(replace(samples.ADA, email=address))
    assert "ada" not in str(refusal.value)


@given(address=st.text(min_size=1, max_size=320))
def test_any_address_is_either_usable_or_refused(address: str) -> None:
    try:
        seen = mail_of(replace(samples.ADA, email=address))
    except UnusableAddress:
        return
    assert len(seen["To"].addresses) == 1


@cases(
    ("address", "delivered"),
    [
        ("o'neil+tenure@example.com", "o'neil+tenure@example.com"),
        ("ops@localhost", "ops@localhost"),
        ("lin@例子.example", "lin@xn--fsqu00a.example"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@xn--strae-oqa.example"),
        ("ada@例子。example.", "ada@xn--fsqu00a.example"),
    ],
)
def test_an_unusual_address_is_delivered_to(address: str, delivered: str) -> None:
    seen = mail_of(replace(samples.ADA, email=address))
    assert seen["To"].addresses[0].addr_spec == delivered


def part_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


@pytest.mark.rule("R52")
def test_an_unsubscribe_link_stands_on_one_line_in_the_header_and_in_both_bodies() -> None:
    url = f"https://tenure.example/unsubscribe?notification={'n' * 128}&signature={'s' * 24}"
    mail, wire = (
        mail_of(links=Links(unsubscribe_url=url)),
        samples.wire(samples.expired, links=Links(unsubscribe_url=url)),
    )
    assert f"\r\nList-Unsubscribe: <{url}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n".encode() in wire
    assert url in part_of(mail, "plain")
    assert url.replace("&", "&amp;") in part_of(mail, "html")
    assert not {"List-Unsubscribe", "List-Unsubscribe-Post"} & set(mail_of(links=Links()).keys())


@pytest.mark.rule("R52")
def test_a_further_recipient_is_told_why_the_mail_came() -> None:
    for kind in ("plain", "html"):
        assert "as the contact of this account" in part_of(mail_of(), kind)
        assert "as a further recipient" in part_of(mail_of(further=True), kind)
