"""An issuer of keys that takes connections and answers nothing."""

import asyncio
import time

from shared.runtime.settings import Settings
from shared.web import limits
from shared.web.auth import Guard
from shared.web.problems import Problem
from tests.kit.waiting import BUSY
from tests.unit.web.issuer import private_key, running_issuer, signed


async def test_an_issuer_that_hangs_delays_unknown_keys_once_and_known_ones_never() -> None:
    key = private_key()
    with running_issuer() as issuer:
        issuer.publish(("k1", key))
        guard = Guard(Settings.model_validate({"auth_jwks_url": issuer.url}))
        assert await status(guard, signed(key)) == 200
        stranger = signed(private_key(), "unknown")
        await asyncio.sleep(limits.KEYS_PAUSE_SECONDS)
        issuer.goes_on.clear()
        hanging = [asyncio.ensure_future(status(guard, stranger)) for _ in range(24)]
        began = time.monotonic()
        assert await status(guard, signed(key)) == 200
        assert not any(one.done() for one in hanging)
        assert set(await asyncio.gather(*hanging)) == {503}
        assert time.monotonic() - began < limits.KEYS_SECONDS + BUSY
        assert await status(guard, stranger) == 503
        assert await status(guard, signed(key)) == 200
        assert issuer.asked == 2


async def status(guard: Guard, token: str) -> int:
    """As HTTP would answer."""
    try:
        await guard.caller(token)
    except Problem as problem:
        return int(problem.status)
    return 200
