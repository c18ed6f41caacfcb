"""Reads the file that `TENURE_BRAND_FILE` names; at start, never later. What cannot be used stops the start.

Every problem is told with its file and key. The logo's path is relative to the file.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator

from notifier_service.content import colours
from notifier_service.content.addresses import UnusableAddress, mailbox
from notifier_service.content.brand import PLACEHOLDERS, Brand, Page
from notifier_service.content.languages import placeholders
from notifier_service.content.logo import Logo, logo
from shared.contracts.types import Contact
from shared.runtime.toml_file import read_toml

NAME_CHARACTERS: Final = 64
"""The product's name: it stands beside a badge, and in the header `From`."""
LINE_CHARACTERS: Final = 300
"""The postal line."""
URL_CHARACTERS: Final = 1_000
"""The address of a page, before its ids are filled in."""
_URL: Final = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+([/?#][!#$%&'*+,./0-9:;=?@A-Z_a-z~{}-]*)?")
"""Without parentheses, at which mail programs end the links that they make of a text."""


def load_brand(path: Path | None) -> Brand:
    """The brand in a file; without one the neutral one. Raises `ValueError` or `OSError`, with file and key."""
    if path is None:
        return Brand()
    read = read_toml(_BrandFile, path)
    return Brand(
        product_name=read.product_name,
        logo=_logo(path, read.logo_file) if read.logo_file else None,
        accent=read.accent_color,
        postal_address=read.postal_address,
        support_address=read.support_address,
        pages=_pages(read),
    )


def _one_line(text: str, limit: int) -> str:
    if not text.isprintable() or not text.strip() or len(text) > limit:
        raise ValueError(f"expected one line of at most {limit} characters")
    return text.strip()


def _readable_accent(text: str) -> str:
    accent = colours.colour(text)
    contrast = colours.contrast(accent, colours.WHITE)
    if contrast < colours.READABLE:
        darker = colours.readable(accent, background=colours.WHITE, towards="#000000")
        raise ValueError(
            f"{accent} has a contrast of {contrast:.1f} with white, and text on a button needs"
            f" {colours.READABLE}; a darker one that will do is {darker}"
        )
    return accent


def _address(text: str) -> str:
    try:
        return mailbox(Contact(name="", email=text, locale="en", time_zone="UTC")).addr_spec
    except UnusableAddress as error:
        raise ValueError(f"expected an address such as support@example.com; {error}") from None


def _page_url(template: str) -> str:
    if unknown := sorted(set(placeholders(template)) - set(PLACEHOLDERS)):
        names = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"{{{unknown[0]}}} is not one of the placeholders {names}")
    if len(template) > URL_CHARACTERS or not _URL.fullmatch(template):
        raise ValueError(
            "expected an address such as https://console.example/renew?account={account_id},"
            f" with no placeholder before its path, of at most {URL_CHARACTERS} characters"
        )
    return template


_PageUrl = Annotated[str | None, AfterValidator(lambda given: None if given is None else _page_url(given))]


class _BrandFile(BaseModel):
    """The keys of the file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    product_name: Annotated[str, AfterValidator(lambda text: _one_line(text, NAME_CHARACTERS))] | None = None
    logo_file: str | None = None
    accent_color: Annotated[str, AfterValidator(_readable_accent)] | None = None
    postal_address: Annotated[str, AfterValidator(lambda text: _one_line(text, LINE_CHARACTERS))] | None = None
    support_address: Annotated[str, AfterValidator(_address)] | None = None
    renew_url: _PageUrl = None
    top_up_url: _PageUrl = None
    manage_url: _PageUrl = None

    @field_validator("logo_file")
    @classmethod
    def _needs_a_name(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path and not info.data.get("product_name"):
            raise ValueError("product_name is needed too: it is read where pictures are not shown")
        return path


def _logo(brand_file: Path, path: str) -> Logo:
    try:
        return logo((brand_file.parent / path).read_bytes())
    except OSError as error:
        raise ValueError(f"{brand_file}: logo_file: {path} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ValueError(f"{brand_file}: logo_file: {path} {error}") from None


def _pages(read: _BrandFile) -> Mapping[Page, str]:
    given = {page: getattr(read, f"{page}_url") for page in Page}
    return {page: url for page, url in given.items() if url}
