"""The brand file: what it may hold, and what stops the start, always with its file and key."""

from collections.abc import Callable
from pathlib import Path

import pytest

from notifier_service.content.brand import Brand, Page
from notifier_service.content.brand_file import LINE_CHARACTERS, NAME_CHARACTERS, URL_CHARACTERS, load_brand
from notifier_service.content.colours import READABLE, WHITE, contrast
from notifier_service.content.logo import LOGO_BYTES
from notifier_service.content_files import load_content
from shared.runtime.settings import BadSettings, Settings
from tests.kit.cases import cases
from tests.unit.notifier import pictures

WHOLE = """
product_name = "Acme Cloud Guard"
logo_file = "logo.png"
accent_color = "#0B5FFF"
postal_address = "Acme GmbH, Beispielweg 1, 12345 Berlin"
support_address = "support@acme.example"
renew_url = "https://console.acme.example/renew?account={account_id}&subscription={subscription_id}"
top_up_url = "https://console.acme.example/accounts/{account_id}/balance"
manage_url = "https://console.acme.example/orders/{order_id}"
"""


def written(folder: Path, text: str, logo: bytes = b"") -> Path:
    (folder / "logo.png").write_bytes(logo or pictures.png())
    path = folder / "brand.toml"
    path.write_text(text, "utf-8")
    return path


def refusal(folder: Path, text: str, logo: bytes = b"") -> str:
    path = written(folder, text, logo)
    with pytest.raises(ValueError, match=r"brand\.toml: ") as error:
        load_brand(path)
    return str(error.value).removeprefix(f"{path}: ")


def test_without_a_file_the_brand_names_nobody() -> None:
    assert load_brand(None) == Brand()


def test_every_key_is_read(tmp_path: Path) -> None:
    brand = load_brand(written(tmp_path, WHOLE))
    assert brand.logo is not None
    assert (brand.logo.content, brand.logo.subtype) == (pictures.png(), "png")
    assert (brand.product_name, brand.accent) == ("Acme Cloud Guard", "#0b5fff")
    assert brand.postal_address == "Acme GmbH, Beispielweg 1, 12345 Berlin"
    assert brand.support_address == "support@acme.example"
    assert set(brand.pages) == set(Page)


def test_what_a_file_leaves_out_is_left_out(tmp_path: Path) -> None:
    assert load_brand(written(tmp_path, 'support_address = "help@acme.example"')) == Brand(
        support_address="help@acme.example"
    )


@cases(
    ("text", "told"),
    [
        ('colour = "#0b5fff"', "colour: is not a known key"),
        ("product_name = 7", "product_name: Input should be a valid string"),
        ('product_name = " "', "product_name: expected one line of at most 64 characters"),
        ('product_name = "a\\nb"', "product_name: expected one line"),
        (f'product_name = "{"a" * (NAME_CHARACTERS + 1)}"', "product_name: expected one line"),
        (f'postal_address = "{"a" * (LINE_CHARACTERS + 1)}"', "postal_address: expected one line of at most 300"),
        ('support_address = "support"', "support_address: expected an address such as support@example.com"),
        ('support_address = "a@b.example\\r\\nBcc: c@d.example"', "support_address: expected an address"),
        ('accent_color = "blue"', "accent_color: expected a colour of six hexadecimal digits"),
        ('accent_color = "#0b5fff;}"', "accent_color: expected a colour of six hexadecimal digits"),
        ('accent_color = "#ffcc00"', "accent_color: #ffcc00 has a contrast of 1.5 with white"),
        ('renew_url = "https://acme.example/{account}"', "renew_url: {account} is not one of the placeholders"),
        ('renew_url = "https://acme.example/{}"', "renew_url: {} is not one of the placeholders"),
        ('renew_url = "https://acme.example/{account_id!r}"', "renew_url: {account_id!r} is not one of"),
        ('renew_url = "https://acme.example/{account_id.real}"', "renew_url: {account_id.real} is not one of"),
        ('renew_url = "https://acme.example/{account_id"', "renew_url: "),
        ('renew_url = "https://{account_id}.acme.example/"', "renew_url: expected an address such as"),
        ('top_up_url = "javascript:alert(1)"', "top_up_url: expected an address such as"),
        ('top_up_url = "https://acme.example/a b"', "top_up_url: expected an address such as"),
        ('manage_url = "https://acme.example/\\"onclick=x"', "manage_url: expected an address such as"),
        (f'manage_url = "https://acme.example/{"a" * URL_CHARACTERS}"', "manage_url: expected an address such as"),
        ('product_name = "A"\nlogo_file = "gone.png"', "logo_file: gone.png cannot be read (No such file"),
        ('logo_file = "logo.png"', "logo_file: product_name is needed too"),
        ("product_name = Acme", "Invalid value"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_key(tmp_path: Path, text: str, told: str) -> None:
    assert refusal(tmp_path, text).startswith(told)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    told = refusal(tmp_path, 'accent_color = "red"\nrenew_url = "here"\nlogo = "a"')
    assert [each.partition(":")[0] for each in told.split("; ") if "_" in each.partition(":")[0]] == [
        "accent_color",
        "renew_url",
    ]
    assert "logo: is not a known key" in told


def test_a_colour_is_readable_from_the_contrast_of_wcag_on(tmp_path: Path) -> None:
    assert contrast("#767676", WHITE) >= READABLE > contrast("#777777", WHITE)
    assert load_brand(written(tmp_path, 'accent_color = "#767676"')).accent == "#767676"
    assert refusal(tmp_path, 'accent_color = "#777777"').startswith("accent_color: ")


def test_the_darker_colour_that_a_refusal_names_is_accepted(tmp_path: Path) -> None:
    named = refusal(tmp_path, 'accent_color = "#ffcc00"').rpartition(" ")[2]
    assert load_brand(written(tmp_path, f'accent_color = "{named}"')).accent == named


@pytest.mark.parametrize("picture", [pictures.png, pictures.gif, pictures.jpeg])
def test_a_logo_is_drawn_no_larger_than_its_place(tmp_path: Path, picture: Callable[[int, int], bytes]) -> None:
    small, wide, high = (
        load_brand(written(tmp_path, 'product_name = "A"\nlogo_file = "logo.png"', picture(*size))).logo
        for size in ((40, 20), (880, 72), (30, 720))
    )
    assert small is not None
    assert wide is not None
    assert high is not None
    assert [(each.width, each.height) for each in (small, wide, high)] == [(40, 20), (220, 18), (2, 36)]


@cases(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"logo",
        pictures.png()[:-1],
        pictures.jpeg()[:-1],
        pictures.jpeg()[:20],
        pictures.png(0, 1),
        pictures.gif()[:-1],
        b"\xff\xd8\xff" + b"\xff" * 40 + b"\xff\xd9",
    ],
)
def test_what_is_no_whole_picture_is_no_logo(tmp_path: Path, content: bytes) -> None:
    told = refusal(tmp_path, 'product_name = "A"\nlogo_file = "logo.png"', content)
    assert told == "logo_file: logo.png is not a whole picture in PNG, JPEG or GIF, which are what mail programs show"


def test_a_logo_has_at_most_the_bytes_that_each_mail_can_carry(tmp_path: Path) -> None:
    filled = pictures.gif()[:-1] + bytes(LOGO_BYTES - len(pictures.gif())) + b";"
    text = 'product_name = "A"\nlogo_file = "logo.png"'
    assert load_brand(written(tmp_path, text, filled)).logo is not None
    assert refusal(tmp_path, text, filled[:-1] + b"\0;").startswith("logo_file: logo.png has 65,537 bytes")


def test_a_bad_brand_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"brand\.toml: accent_color: "):
        load_content(Settings(brand_file=written(tmp_path, 'accent_color = "red"')))
    with pytest.raises(BadSettings, match="none"):
        load_content(Settings(brand_file=tmp_path / "none.toml"))
