"""A contact's address as a relay takes it: domains in any script, and what no relay can deliver to."""

from dataclasses import replace
from email import message_from_bytes
from email.utils import parseaddr

import pytest

from notifier_service.content.addresses import UnusableAddress, mailbox
from shared.contracts.domain_names import ascii_domain
from shared.contracts.types import Contact
from tests.kit.cases import cases
from tests.unit.notifier import samples


def address_of(email: str) -> str:
    return mailbox(Contact(name="Ada", email=email)).addr_spec


@cases(
    "email",
    [
        "ada@example.com ",
        " ada@example.com",
        "\tada@example.com\r\n",
        "\u3000ada@example.com\u00a0",
        "\ufeffada@example.com\u200b",
        "\u202aada@example.com\u202c",
    ],
)
def test_blanks_and_invisible_characters_around_an_address_are_left_out(email: str) -> None:
    assert address_of(email) == "ada@example.com"


@cases(
    ("email", "sent"),
    [
        ("abc..def.@docomo.example", '"abc..def."@docomo.example'),
        (".ada@docomo.example", '".ada"@docomo.example'),
        ("...@docomo.example", '"..."@docomo.example'),
        ('"abc..def."@docomo.example', '"abc..def."@docomo.example'),
        ('"ada.lovelace"@example.com', "ada.lovelace@example.com"),
        ("ada.l+tag@example.com", "ada.l+tag@example.com"),
    ],
)
def test_a_local_part_is_quoted_where_its_dots_need_it(email: str, sent: str) -> None:
    assert address_of(email) == sent
    wire = samples.wire(samples.expired, replace(samples.ADA, name="Ada 林", email=email))
    received = message_from_bytes(wire)["To"]
    assert parseaddr(received) == ("Ada =?utf-8?b?5p6X?=", sent)
    assert received.endswith(f" <{sent}>")


@cases("size", [65, 300])
@cases("local_part", ["a", "a..", '"a."'])
def test_a_local_part_of_more_than_64_characters_is_refused(local_part: str, size: int) -> None:
    with pytest.raises(UnusableAddress):
        address_of(f"{local_part.replace('a', 'a' * size)}@example.com")


@cases(
    "email",
    [
        "ada lovelace@example.com",
        "a" * 63 + "(@example.com",
        '"ada lovelace"@example.com',
        '"ada@evil.example"@example.com',
        "ada@evil.example@example.com",
        '"ada,eve"@example.com',
        '"a\\"da"@example.com',
        '""@example.com',
        '"@example.com',
        'a"da@example.com',
        "ada..\u0301@example.com",
        "ada\u200d@example.com",
        "ada@example.com eve@example.com",
    ],
)
def test_a_local_part_that_relays_may_read_differently_is_refused(email: str) -> None:
    with pytest.raises(UnusableAddress):
        address_of(email)


@cases(
    ("domain", "encoded"),
    [
        ("faß.de", "xn--fa-hia.de"),
        ("FAẞ.DE", "xn--fa-hia.de"),
        ("straße.example", "xn--strae-oqa.example"),
        ("σσς.gr", "xn--3xaba.gr"),
        ("ΣΟΦΌΣ.gr", "xn--0xahbl4a.gr"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BU\u0308CHER.example", "xn--bcher-kva.example"),
        ("İstanbul.example", "xn--istanbul-o0e.example"),
        ("例子.example", "xn--fsqu00a.example"),
        ("例子。测试", "xn--fsqu00a.xn--0zwm56d"),
        ("例子．测试｡", "xn--fsqu00a.xn--0zwm56d"),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("диплом.укр", "xn--d1aijeje.xn--j1amh"),
        ("مثال.إختبار", "xn--mgbh0fb.xn--kgbechtv"),
        ("क्\u200dष.example", "xn--11b2ezcw70k.example"),
        ("l·l.cat", "xn--ll-0ea.cat"),
        ("i❤.ws", "xn--i-7iq.ws"),
        ("😀.example", "xn--e28h.example"),
    ],
)
def test_a_domain_in_another_script_is_sent_in_its_ascii_form(domain: str, encoded: str) -> None:
    assert ascii_domain(domain) == encoded
    assert address_of(f"ada@{domain}") == f"ada@{encoded}"


@cases(
    "domain",
    [
        "example.com",
        "Example.COM",
        "localhost",
        "xn--fa-hia.de",
        "xn--i-7iq.ws",
        "xn--a.example",
        "ab--cd.example",
        "1.example",
    ],
)
def test_a_domain_in_ascii_stays_as_it_is(domain: str) -> None:
    assert ascii_domain(domain) == domain
    assert ascii_domain(f"{domain}.") == domain


@cases(
    "domain",
    [
        "",
        ".",
        "。",
        ".example",
        "example..com",
        "例子。。测试",
        "example.com..",
        "-ü.example",
        "ü-.example",
        "-a.example",
        "ex_ample.com",
        "ex_ample.例子",
        "exa mple.例子",
        "a\u200db.example",
        "ü\u200c.example",
        "👨\u200d👩.example",
        "שa.example",
        "ü" * 60 + ".example",
        "a" * 64 + ".example",
        "ü." * 40 + "example",
        "a." * 127 + "example",
        "ex‥ample.com",
        "a／b.example",
        "a℀b.example",
        "ü@b.example",
        "ü\ud800.example",
        "ü\n.example",
        "[127.0.0.1]",
        "・.example",
    ],
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError, match="not a domain"):
        ascii_domain(domain)
    with pytest.raises(UnusableAddress):
        address_of(f"ada@{domain}")
