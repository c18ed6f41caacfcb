"""Unsubscribe links (RFC 8058), each signed for one email: it stands for its recipient and its kind, and never ends."""

from typing import Final
from urllib.parse import urlencode

from notifier_service.decisions.preferences import may_be_muted
from shared.runtime.settings import Settings
from shared.web.signatures import is_signed, sign

PATH: Final = "/unsubscribe"
_PURPOSE: Final = "unsubscribe"


class UnsubscribeLinks:
    """There are none without an address at which recipients reach the page, or a secret to sign with."""

    def __init__(self, settings: Settings) -> None:
        self._public_url = settings.public_url.rstrip("/") if "public_url" in settings.model_fields_set else None
        self._secret = settings.auth_secret.get_secret_value() if settings.auth_secret else None

    def url_for(self, kind: str, notification_id: str) -> str | None:
        """The link in the email with this id; None of a kind that keeps a channel."""
        if self._public_url is None or self._secret is None or not may_be_muted(kind):
            return None
        query = {"notification": notification_id, "signature": sign(self._secret, _PURPOSE, [notification_id])}
        return f"{self._public_url}{PATH}?{urlencode(query)}"

    def is_genuine(self, notification_id: str, signature: str) -> bool:
        """Whether this signature stood in the link of that email."""
        return self._secret is not None and is_signed(signature, self._secret, _PURPOSE, [notification_id])
