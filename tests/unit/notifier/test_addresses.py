"""A contact's address as a relay takes it: domains in any script, and what no relay can deliver to."""

import pytest

from notifier_service.content.addresses import UnusableAddress, ascii_domain, mailbox
from shared.contracts.types import Contact


def address_of(email: str) -> str:
    return mailbox(Contact(name="Ada", email=email)).addr_spec


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
    ids=ascii,
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(UnusableAddress):
        ascii_domain(domain)
    with pytest.raises(UnusableAddress):
        address_of(f"ada@{domain}")
