"""The envelope sender of a mail, to which a bounce of it returns, and the id that its delivery notifications repeat.

Both name the notification and hold a signature over it: whoever shows one has had that mail in hands, so that nobody
else can report a bounce. Pure.
"""

from email.utils import parseaddr
from typing import Final

from shared.runtime.settings import Settings
from shared.web.signatures import is_signed, sign

_PURPOSE: Final = "bounce"


def envelope_sender(settings: Settings, notification_id: str) -> str:
    """`bounce+<notification_id>.<mac>@TENURE_BOUNCE_DOMAIN` where that is set, else the address of the `From`."""
    if settings.bounce_domain is None:
        return parseaddr(settings.mail_from)[1]
    return f"bounce+{envelope_id(settings, notification_id)}@{settings.bounce_domain}"


def envelope_id(settings: Settings, notification_id: str) -> str:
    """`<notification_id>.<mac>`, for `ENVID` (RFC 3461); the bare id without a secret to sign it with."""
    if settings.auth_secret is None:
        return notification_id
    return f"{notification_id}.{sign(settings.auth_secret.get_secret_value(), _PURPOSE, [notification_id])}"


def may_report(settings: Settings, notification_id: str, mac: str) -> bool:
    """Whether this is the signature that the notification's mail has carried."""
    if settings.auth_secret is None:
        return False
    return is_signed(mac, settings.auth_secret.get_secret_value(), _PURPOSE, [notification_id])
