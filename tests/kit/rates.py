"""Rates of requests, for tests that count them."""

import time
from types import SimpleNamespace

import pytest
from limits.aio import strategies
from limits.aio.storage import memory


@pytest.fixture
def one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the rate limiter stands still: how much it allows depends on where in a window a test begins."""
    now = time.time()
    for module in (memory, strategies):
        monkeypatch.setattr(module, "time", SimpleNamespace(time=lambda: now))
