"""The envelope sender of a mail, to which a bounce of it returns, and the id that its delivery notifications repeat.

Both name the notification and hold a signature over it: whoever shows one has had that mail in hands, so that nobody
else can report a bounce. Pure.
"""

from contextlib import suppress
from email.utils import parseaddr
from typing import Final

from shared.contracts.domain_names import ascii_domain
from shared.runtime.settings import Settings
from shared.web.signatures import is_signed, sign

_PURPOSE: Final = "bounce"
_HASH_PURPOSE: Final = "address"


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


def address_hash(settings: Settings, address: str) -> str:
    """A keyed hash, the same however the address is written: in capitals, or with its domain in another script.

    The key is made of the secret; without one anybody who can read the hashes can also try addresses.
    """
    secret = settings.auth_secret.get_secret_value() if settings.auth_secret else ""
    return sign(secret, _HASH_PURPOSE, [_normal(address)])


def _normal(address: str) -> str:
    local_part, _, domain = address.strip().rpartition("@")
    with suppress(ValueError):  # then no mail reaches it, and it stays as it is
        domain = ascii_domain(domain)
    unquoted = local_part.strip('"')
    return f"{unquoted}@{domain}".lower()
