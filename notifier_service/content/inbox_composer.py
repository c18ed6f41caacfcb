"""From a lifecycle event to its internal message, in one brand."""

from dataclasses import dataclass
from typing import Final

from notifier_service.content.brand import Brand
from notifier_service.content.languages import Languages
from notifier_service.content.localizer import localizer_for
from notifier_service.content.render import InboxText, inbox_message
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.contracts.types import Contact

_DEFAULT_LOCALE: Final = ("en", "UTC")
"""Language and time zone of an internal message whose recipient has no known contact."""


@dataclass(frozen=True, slots=True, eq=False)
class InboxComposer:
    """Composes internal messages."""

    languages: Languages
    brand: Brand

    def compose(self, event: LifecycleEvent, contact: Contact | None) -> InboxText:
        """The message about an event, in the contact's language and zone."""
        locale, time_zone = (contact.locale, contact.time_zone) if contact else _DEFAULT_LOCALE
        return inbox_message(event, localizer_for(self.languages, locale, time_zone), self.brand)
