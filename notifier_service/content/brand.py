"""Whose mails these are: what an operator puts in place of our own neutral appearance. Pure; `brand_file` reads it.

A mail names nobody but the operator. Without a brand it names nobody at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from enum import StrEnum
from typing import Final

from notifier_service.content import colours
from notifier_service.content.languages import placeholders
from notifier_service.content.logo import Logo


class Page(StrEnum):
    """A page of the operator's own on which a customer acts; `<page>_url` in the brand file is its address."""

    RENEW = "renew"
    TOP_UP = "top_up"
    MANAGE = "manage"


PLACEHOLDERS: Final = ("account_id", "subscription_id", "order_id")
"""What the address of a page may name in braces; `order_id` only where the message is about an order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """docs/settings.md has the meaning of each; None leaves it out. `accent` can be read on white."""

    product_name: str | None = None
    logo: Logo | None = None
    accent: str | None = None
    postal_address: str | None = None
    support_address: str | None = None
    pages: Mapping[Page, str] = field(default_factory=dict)

    @property
    def dark_accent(self) -> str | None:
        """The accent by night: as light as it has to be on a dark background."""
        if self.accent is None:
            return None
        return colours.readable(self.accent, background=colours.DARK_CARD, towards=colours.WHITE)

    def sender(self, mail_from: str) -> str:
        """The mailbox that mails come from: one without a name has the product's."""
        if self.product_name is None or "<" in mail_from:
            return mail_from
        return str(Address(self.product_name, addr_spec=mail_from))

    def page_url(self, page: Page, ids: Mapping[str, str | None]) -> str | None:
        """The page's address for these ids; None where there is no such page, or an id that it names.

        Ids have no character that a URL would take for anything else (`ID_PATTERN`), so they stand there as they are.
        """
        template = self.pages.get(page)
        if template is None or any(not ids.get(name) for name in placeholders(template)):
            return None
        return template.format_map(ids)
