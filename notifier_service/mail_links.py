"""The links in a mail: to pages of its account, each with a token that opens nothing else. `app` makes one `MailLinks`.

A token is signed when the mail is composed and holds for `LINK_LIFETIME`, so a mail that is sent again has a fresh one.
"""

from notifier_service.content.render import Links
from notifier_service.decisions.lifecycle_event import LifecycleEvent
from shared.runtime.settings import Settings
from shared.web.auth import Guard


class MailLinks:
    """No links without an address at which recipients reach the pages, or a secret to sign tokens with."""

    def __init__(self, settings: Settings, guard: Guard) -> None:
        self._public_url = settings.public_url.rstrip("/") if "public_url" in settings.model_fields_set else None
        self._guard = guard

    def for_(self, event: LifecycleEvent) -> Links:
        """The links of the mail about this event."""
        token = self._guard.link_token(event.metadata.account_id)
        if self._public_url is None or token is None:
            return Links()
        return Links(inbox_url=f"{self._public_url}/inbox?token={token}")
