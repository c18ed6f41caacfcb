"""The one button of a mail: it leads to where its reader acts. Pure.

That is a page of the operator's own where the brand names it, else the inbox. An internal message has the same link,
but none to the inbox, where its reader already is.
"""

from dataclasses import dataclass

from notifier_service.content.brand import Brand, Page
from notifier_service.decisions.lifecycle_event import LifecycleEvent


@dataclass(frozen=True, slots=True)
class Button:
    """`label_key` is the sentence on it."""

    label_key: str
    url: str


def button(page: Page | None, event: LifecycleEvent, brand: Brand, *, inbox_url: str | None) -> Button | None:
    """The button of the mail about this event; None where there is nothing that it could lead to."""
    if page and (url := page_url(page, event, brand)):
        return Button(f"button.{page}", url)
    return Button("button.inbox", inbox_url) if inbox_url else None


def page_url(page: Page | None, event: LifecycleEvent, brand: Brand) -> str | None:
    """The operator's page for the event's account, subscription and order."""
    if page is None:
        return None
    ids = {
        "account_id": event.metadata.account_id,
        "subscription_id": event.metadata.subscription_id,
        "order_id": getattr(event.data, "order_id", None),
    }
    return brand.page_url(page, ids)
