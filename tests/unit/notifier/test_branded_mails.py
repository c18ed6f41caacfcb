"""In whose name a mail is: the operator's brand, or nobody's; and where its one button leads."""

from dataclasses import replace
from decimal import Decimal
from email.message import EmailMessage

import pytest

from notifier_service.content.brand import Brand, Page
from notifier_service.content.colours import DARK_CARD, READABLE, contrast
from notifier_service.content.logo import logo
from notifier_service.content.messages import mail_content
from notifier_service.content.render import Links, inbox_message
from shared.contracts.lifecycle import LifecycleData
from tests.kit.cases import cases
from tests.unit.notifier import pictures, samples, variants
from tests.unit.notifier.shown import part

BRAND = Brand(
    product_name="Acme <Guard>",
    logo=logo(pictures.png(40, 20)),
    accent="#0b5fff",
    postal_address="Acme & Co, Beispielweg 1, 12345 Berlin",
    support_address="support@acme.example",
    pages={
        Page.RENEW: "https://acme.example/renew?account={account_id}&subscription={subscription_id}",
        Page.TOP_UP: "https://acme.example/{account_id}/balance",
        Page.MANAGE: "https://acme.example/orders/{order_id}",
    },
)
ENGLISH = samples.localizer("en")
INBOX = samples.metadata().links.inbox_url


def everything(mail: EmailMessage) -> str:
    """All that a reader can see of a mail: the values of its headers, and its parts with their own."""
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    headers = [str(value) for part in mail.walk() for value in part.values()]
    return "\n".join([*headers, *(str(part.get_content()) for part in parts)])


@pytest.mark.parametrize("language", samples.READERS)
@pytest.mark.parametrize("brand", [Brand(), BRAND])
def test_nothing_that_a_customer_reads_names_anybody_but_the_operator(language: str, brand: Brand) -> None:
    reader = samples.READERS[language]
    for name, data in (*variants.mailed(), *variants.inbox_only()):
        text = inbox_message(samples.event(data), samples.localizer(language), brand)
        mail = samples.mail(data, reader, brand=brand)
        assert "tenure" not in f"{text} {everything(mail)}".lower(), name


def test_the_brand_stands_in_the_sender_the_head_the_foot_and_the_calendar_file() -> None:
    mail = samples.mail(samples.renewed, brand=BRAND, mail_from="notices@acme.example")
    assert mail["From"] == '"Acme <Guard>" <notices@acme.example>'
    html, text = part(mail, "html"), part(mail, "plain")
    assert 'alt="Acme &lt;Guard&gt;" width="40" height="20"' in html
    assert "Acme &amp; Co, Beispielweg 1" in html
    assert 'href="mailto:support@acme.example"' in html
    for line in ("Acme <Guard>", "Acme & Co, Beispielweg 1, 12345 Berlin", "Questions? support@acme.example"):
        assert line in text.splitlines()
    assert "PRODID:-//Acme <Guard>//EN" in everything(mail)
    assert "SUMMARY:Your Acme <Guard> subscription expires" in everything(mail)


def test_a_sender_with_a_name_of_its_own_keeps_it() -> None:
    assert samples.mail(samples.renewed, brand=BRAND)["From"] == "Guard <notices@guard.example>"


def test_the_logo_comes_along_beside_the_page_that_shows_it() -> None:
    mail = samples.mail(samples.renewed, brand=BRAND)
    types = [part.get_content_type() for part in mail.walk()]
    alternative = ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert types == ["multipart/mixed", *alternative, "text/calendar"]
    [picture] = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert picture.get_content() == pictures.png(40, 20)
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in part(mail, "html")
    assert len(samples.wire(samples.renewed, brand=BRAND)) < 40_000


def test_the_accent_is_that_of_button_and_links_and_can_be_read_by_night() -> None:
    links = replace(samples.metadata().links, unsubscribe_url="https://tenure.example/unsubscribe")
    html = part(samples.mail(samples.renewed, brand=BRAND, links=links), "html")
    assert f"background:{BRAND.accent}" in html
    assert html.count('class="accent" href="') == html.count(f'style="color:{BRAND.accent}"') == 3
    assert BRAND.dark_accent is not None
    assert f".button td {{ background: {BRAND.dark_accent} !important; }}" in html
    assert contrast(BRAND.dark_accent, DARK_CARD) >= READABLE
    assert replace(BRAND, accent="#000000").dark_accent not in (None, "#000000")


BUTTONS: list[tuple[str, LifecycleData, Page | None]] = [
    ("a reminder to renew by hand", samples.renewal_due, Page.RENEW),
    ("a reminder of a deduction that is covered", samples.covered, Page.MANAGE),
    ("a reminder of one that is not known to be", replace(samples.covered, balance=None), Page.TOP_UP),
    ("a reminder of one that is not covered", samples.short, Page.TOP_UP),
    ("a notice of a charge", samples.renewal_upcoming, Page.MANAGE),
    ("a notice of one that is not covered", samples.charge_short, Page.TOP_UP),
    ("a failed deduction", samples.failed, Page.TOP_UP),
    ("an expiry", samples.expired, Page.RENEW),
    ("a final notice", samples.release_due, Page.RENEW),
    ("a release", samples.released, None),
    ("a purchase", samples.activated, None),
    ("a renewal", samples.automatic, None),
    ("a quota that is exceeded", samples.quota_exceeded, Page.MANAGE),
    ("a renewal that was taken back", samples.renewal_cancelled, Page.RENEW),
]


@cases(("of", "data", "page"), BUTTONS)
def test_a_message_leads_to_where_its_reader_acts(of: str, data: LifecycleData, page: Page | None) -> None:
    assert mail_content(data, ENGLISH).page == page


@cases(
    ("name", "page"),
    [
        ("activated-partial", Page.MANAGE),
        ("activated-late", Page.RENEW),
        ("auto_renewal_enabled", None),
        ("auto_renewal_enabled-late", Page.RENEW),
        ("renewal_declined", Page.RENEW),
        ("renewal_due-failed", Page.TOP_UP),
        ("extended-active", None),
        ("extended-grace", Page.RENEW),
        ("extended-reactivated", Page.RENEW),
        ("contact_changed", None),
        ("order_rejected-not_subscribed", None),
        ("order_rejected-not_active", Page.RENEW),
        ("order_rejected-invalid_duration", Page.RENEW),
        ("order_rejected-quota_exhausted", Page.MANAGE),
    ],
)
def test_a_variant_leads_to_where_its_reader_acts(name: str, page: Page | None) -> None:
    assert mail_content(dict((*variants.mailed(), *variants.inbox_only()))[name], ENGLISH).page == page


def test_a_button_leads_to_the_page_for_this_account_and_says_what_it_is_for() -> None:
    mail = samples.mail(samples.expired, brand=BRAND)
    url = "https://acme.example/renew?account=acct-1&subscription=sub-1"
    assert f"Renew now: {url}\n" in part(mail, "plain")
    assert f'href="{url.replace("&", "&amp;")}"' in part(mail, "html")
    assert str(INBOX) not in part(mail, "plain")


@pytest.mark.parametrize("brand", [Brand(), replace(BRAND, pages={Page.RENEW: "https://acme.example/{order_id}"})])
def test_without_a_page_or_an_id_that_it_names_the_button_opens_the_inbox(brand: Brand) -> None:
    assert f"Open your inbox: {INBOX}\n" in part(samples.mail(samples.expired, brand=brand), "plain")


@pytest.mark.parametrize("data", [samples.expired, samples.released])
def test_without_any_page_there_is_no_button(data: LifecycleData) -> None:
    mail = samples.mail(data, links=Links())
    assert "href" not in part(mail, "html")
    assert "http" not in part(mail, "plain")


@pytest.mark.parametrize("language", samples.READERS)
def test_every_mail_has_one_button(language: str) -> None:
    for _, data in variants.mailed():
        mail = samples.mail(data, samples.READERS[language], brand=BRAND)
        assert part(mail, "html").count('class="button"') == 1


def test_an_internal_message_leads_to_the_operators_page_or_nowhere() -> None:
    leads = [
        inbox_message(samples.event(data), ENGLISH, brand).link
        for data, brand in ((samples.failed, BRAND), (samples.released, BRAND), (samples.failed, Brand()))
    ]
    assert leads == ["https://acme.example/acct-1/balance", None, None]


def test_an_order_is_named_where_the_message_is_about_one() -> None:
    by_order = replace(BRAND, pages={Page.RENEW: "https://acme.example/orders/{order_id}"})
    taken_back = replace(samples.renewal_cancelled, refunded=Decimal("1.00"))
    assert "https://acme.example/orders/ord-2026-0077\n" in part(samples.mail(taken_back, brand=by_order), "plain")
