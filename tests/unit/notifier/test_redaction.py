"""The relay's text in an outcome: one short line, nothing of an address, and linear in time."""

import time

import pytest

from notifier_service.delivery.redaction import REASON_CHARACTERS, without_addresses
from tests.kit.cases import cases


def test_a_reason_is_one_line_without_an_address() -> None:
    text = "550 5.1.1 <ada@example.com>: unknown\r\n550 user\x00 ada@example.com " + "x" * 400
    reason = without_addresses(text)
    assert reason.startswith("550 5.1.1 <[address]>: unknown 550 user [address] xxx")
    assert "\n" not in reason
    assert "ada" not in reason
    assert len(reason) <= REASON_CHARACTERS


@cases(
    "link",
    [
        "https://tenure.example/inbox?token=ey0.ey1.sig",
        "<https://tenure.example/preferences?token=ey0.ey1.sig>",
        "https://tenure.example/unsubscribe?notification=ntf-1&amp;signature=sig",
        "https%3A%2F%2Ftenure.example%2Finbox%3Ftoken%3Dey0.ey1.sig",
    ],
)
def test_a_link_that_opens_the_inbox_does_not_stay_where_a_filter_names_it(link: str) -> None:
    reason = without_addresses(f"554 5.7.1 blocked: {link} is on a list")
    assert "sig" not in reason
    assert reason.startswith("554 5.7.1 blocked: ")
    assert reason.endswith(" is on a list")


PARTS = ("ada", "brien", "o'", "example.com", "192.0.2.1", "2001", "lovelace", "news", "faß", "用户", "例子", "%40")


@cases(
    "address",
    [
        "ada@example.com",
        "o'brien@example.com",
        "ada+news@example.com",
        '"ada lovelace"@example.com',
        '"a b@c"@example.com',
        "ada%40example.com",
        "ada%2540example.com",
        "ada+40example.com",
        "ada=40example.com",
        "ada&#64;example.com",
        "ada＠example.com",
        "ada @ example.com",
        "ada@[192.0.2.1]",
        "ada@[IPv6:2001:db8::1]",
        "ada@faß.de",
        "用户@例子.测试",
        "bounces+ada=example.com@relay.example",
        "<ada@example.com>",
        "mailto:ada@example.com",
        "rcpt=<ada@example.com>,reason=unknown",
        "@relay.example:ada@example.com",
    ],
)
@cases("around", ["{}", "no such user: {}", "{} is unknown", "user ({}) is unknown, really"])
def test_nothing_of_any_address_stays(address: str, around: str) -> None:
    reason = without_addresses(f"550 5.1.1 {around.format(address)}")
    assert reason.startswith("550 ")
    for part in (
        "ada",
        "brien",
        "o'",
        "example.com",
        "192.0.2.1",
        "2001",
        "lovelace",
        "news",
        "faß",
        "用户",
        "例子",
        "%40",
    ):
        assert part not in reason


@cases(
    ("text", "recipient", "kept"),
    [
        ("550 5.1.1 ada: no such user", "ada@example.com", "550 5.1.1 [address]: no such user"),
        ("550 5.1.1 mailbox 'Ada' is full", "ada@example.com", "550 5.1.1 mailbox [address] is full"),
        ("550 5.1.1 o%27brien unknown", "o'brien@example.com", "550 5.1.1 [address] unknown"),
        ("550 5.1.1 ada unknown", "ada+news@example.com", "550 5.1.1 [address] unknown"),
        ("550 5.1.1 abc..def. unknown", '"abc..def."@docomo.example', "550 5.1.1 [address]. unknown"),
        ("550 no mail for example.com here", "ada@example.com", "550 no mail for [address] here"),
        ("550 mx1.Example.COM refuses", "ada@example.com", "550 [address] refuses"),
        ("550 faß.de has no such user", "ada@xn--fa-hia.de", "550 [address] has no such user"),
        ("550 xn--fa-hia.de has no such user", "ada@xn--fa-hia.de", "550 [address] has no such user"),
        ("550 see https://relay.example/?user=ada&x=1", "ada@example.com", "550 see [address]"),
        ("550 5.1.1 unknown", "5@example.com", "550 5.1.1 unknown"),
        ("450 4.2.1 nomad radar is away", "ada@example.com", "450 4.2.1 nomad radar is away"),
    ],
)
def test_the_recipients_parts_are_taken_out_also_where_they_stand_alone(text: str, recipient: str, kept: str) -> None:
    assert without_addresses(text, recipient) == kept


@pytest.mark.slow
@cases(
    "piece",
    ["a", "a.", '"', '\\"', "@", " @", "%25", "+40", "&amp;", "<", "o'", "aa ", "(", "ﷺ", "\x00", "🙂", "a@", "ada "],
)
def test_time_grows_with_the_length_of_the_reply_only(piece: str) -> None:
    def seconds(length: int) -> float:
        """Of this process, which is not slower where others are busy."""
        text = (piece * length)[:length]
        began = time.process_time()
        without_addresses(text, "ada.aaaa@aa.example")
        return time.process_time() - began

    eight_times_as_long, reference = (min(seconds(length) for _ in range(3)) for length in (16_000, 2_000))
    assert eight_times_as_long < 1.0  # ten times what it takes, also while coverage is counted
    assert eight_times_as_long < 3 * 8 * reference + 0.01, "linear, not squared"
