"""HTTP to what a test has started: by no proxy of the environment, and as patient as everything here that waits."""

from functools import partial
from typing import Final

import httpx

from tests.kit.waiting import PATIENCE

client: Final = partial(httpx.AsyncClient, timeout=PATIENCE, trust_env=False)
"""A client; it takes what `httpx.AsyncClient` takes."""
get: Final = partial(httpx.get, timeout=PATIENCE, trust_env=False)
post: Final = partial(httpx.post, timeout=PATIENCE, trust_env=False)
