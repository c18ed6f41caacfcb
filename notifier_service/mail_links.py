"""The links in a mail: to pages of its account, each with a token that opens nothing else. `app` makes one `MailLinks`.

A token is signed when the mail is composed and holds for `LINK_LIFETIME`, so a mail that is sent again has a fresh one.
"""

from notifier_service.content.render import Links
from notifier_service.decisions.addressee import Addressee
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from notifier_service.unsubscribe_links import UnsubscribeLinks
from shared.runtime.settings import Settings
from shared.web.auth import Guard


class MailLinks:
    """No links without an address at which recipients reach the pages, or a secret to sign tokens with."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._public_url = settings.public_url.rstrip("/") if "public_url" in settings.model_fields_set else None
        self._guard = guard
        self._unsubscribe = UnsubscribeLinks(settings)

    def for_(self, event: LifecycleEvent, addressee: Addressee, notification_id: str) -> Links:
        """The links of the mail about this event. Those to the account's pages are for its contact alone (R52)."""
        unsubscribe_url = self._unsubscribe.url_for(event.kind, notification_id)
        token = self._guard.link_token(event.metadata.account_id)
        if self._public_url is None or token is None or addressee.recipient_id is not None:
            return Links(unsubscribe_url=unsubscribe_url)
        return Links(
            inbox_url=f"{self._public_url}/inbox?token={token}",
            preferences_url=f"{self._public_url}/preferences?token={token}",
            unsubscribe_url=unsubscribe_url,
        )
