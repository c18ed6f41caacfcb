"""Short signatures for what travels in a link or an address and comes back from anybody: an unsubscribe link, a bounce.

Each purpose has a key of its own, so that what is signed for one opens nothing of another.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

_HEX_DIGITS: Final = 24
"""96 bits: a bounce address (64 characters before the @) has room for no more."""


def sign(secret: str, purpose: str, parts: Sequence[str]) -> str:
    """24 lower-case hexadecimal digits over `parts`, in their order; `secret` is `TENURE_AUTH_SECRET`."""
    key = hmac.digest(secret.encode(), b"tenure " + purpose.encode(), hashlib.sha256)
    signed = b"".join(len(each).to_bytes(4, "big") + each for each in (part.encode() for part in parts))
    return hmac.digest(key, signed, hashlib.sha256).hex()[:_HEX_DIGITS]


def is_signed(signature: str, secret: str, purpose: str, parts: Sequence[str]) -> bool:
    """Whether `sign` gives this signature, in upper or lower case; compared in constant time."""
    return hmac.compare_digest(signature.lower().encode(), sign(secret, purpose, parts).encode())
