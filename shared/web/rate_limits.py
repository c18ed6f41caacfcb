"""How many requests one caller may make: averages over `limits.RATE_SECONDS`, counted per process.

An address may be the same for many callers, as behind a proxy that is not trusted; an account's token may come from
many addresses. So both are counted, by the library `limits`.
"""

from http import HTTPStatus
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from shared.web import limits
from shared.web.problems import Problem

_RETRY_AFTER_SECONDS = "1"


class RateLimit:
    """At most `per_second` requests per second from each caller, on average. Used in one event loop."""

    def __init__(self, per_second: int) -> None:
        self._allowed = RateLimitItemPerSecond(per_second * limits.RATE_SECONDS, limits.RATE_SECONDS)
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def count(self, caller: str, kind: str = "") -> None:
        """One more request; those of another `kind` are counted apart. Raises `Problem` 429 beyond the rate."""
        if not await self._limiter.hit(self._allowed, caller, kind):
            raise too_many("There are too many requests; please wait a moment.")


def too_many(detail: str) -> Problem:
    """429, with the time after which another try makes sense."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": _RETRY_AFTER_SECONDS})


def network_of(address: str) -> str:
    """What counts as one address: with IPv6 the network of 56 bits, since a caller has all of one."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(ip_network((known, 56), strict=False))
    return str(getattr(known, "ipv4_mapped", None) or known)
