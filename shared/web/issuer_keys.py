"""The public keys of another issuer, as published at `TENURE_AUTH_JWKS_URL` (RFC 7517).

A key that is known never waits for the network, and stays in use while the issuer is away. Keys that are not known
cause one fetch at a time, and none soon after the last one, so that a flood of forged tokens costs the issuer nothing
and delays nobody.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable, Mapping
from typing import Final
from urllib.request import Request

import jwt

from shared.runtime.single_flight import SingleFlight
from shared.runtime.waits import WaitLog
from shared.web import limits
from shared.web.fetching import fetch

_PUBLIC_KEY_TYPES: Final = ("RSA", "EC", "OKP")


class KeysAway(Exception):
    """The issuer cannot be asked now, so a token with an unknown key cannot be judged."""


class IssuerKeys:
    """The keys of one address. Used in one event loop; the fetching happens in a thread.

    `_pause_ends` and `_fresh_until` are times of the clock; `_away`: whether the newest fetch has failed.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds that only grow."""
        self._url = url
        self._clock = clock
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetching = SingleFlight(self._fetch)
        self._pause_ends = self._fresh_until = -math.inf
        self._away = False
        self._waits = WaitLog()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        """The key of this `kid`; None where the issuer has none. Raises `KeysAway`."""
        known, now = self._keys.get(key_id), self._clock()
        if known is None:
            await self._learn(now)
            return self._keys.get(key_id)
        if now > max(self._fresh_until, self._pause_ends):
            self._fetching.start()
        return known

    async def _learn(self, now: float) -> None:
        """Fetch, or wait for the fetch that is under way; after a recent one return at once. Raises `KeysAway`."""
        if now >= self._pause_ends:
            try:
                await self._fetching.result(limits.KEYS_SECONDS)
            except TimeoutError:
                self._ended(away=True)
        if self._away:
            raise KeysAway

    async def _fetch(self) -> None:
        try:
            self._keys = await asyncio.to_thread(_published, self._url)
        except Exception as error:  # noqa: BLE001 - whatever an address answers that is no set of keys
            self._waits.waits("keys", f"TENURE_AUTH_JWKS_URL: no keys could be fetched: {type(error).__name__}")
            self._ended(away=True)
        else:
            self._waits.goes_on("keys")
            self._fresh_until = self._clock() + limits.KEYS_FRESH_SECONDS
            self._ended(away=False)

    def _ended(self, *, away: bool) -> None:
        self._away = away
        self._pause_ends = self._clock() + limits.KEYS_PAUSE_SECONDS


def _published(url: str) -> dict[str, jwt.PyJWK]:
    """`kid` -> key, of all keys that may check signatures. Blocks; raises whatever stands in the way."""
    keys = jwt.PyJWKSet.from_dict(json.loads(_download(url))).keys
    return {str(key.key_id): key for key in keys if key.key_id and _checks_signatures(key)}


def _checks_signatures(key: jwt.PyJWK) -> bool:
    """A symmetric key in a public document is no secret, and a key for encryption signs nothing."""
    return key.key_type in _PUBLIC_KEY_TYPES and key.public_key_use in (None, "sig")


def _download(url: str) -> bytes:
    """Raises `OSError` for what is no answer, takes too long, or is too large."""
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - settings allow http and https only
    answer = fetch(request, seconds=limits.KEYS_SECONDS, most_bytes=limits.KEYS_BYTES, by_proxy=True)
    if not answer.is_success:
        raise ConnectionError(f"the issuer answers {answer.status}")
    return answer.body
