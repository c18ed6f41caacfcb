"""Tests of the notifier run on the event loop of the services."""

import asyncio
from collections.abc import Callable, Mapping

import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop, whose transports differ from the standard ones."""
    return {"uvloop": uvloop.new_event_loop}
