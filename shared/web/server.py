"""Serving an HTTP application with uvicorn, inside an event loop that somebody else runs, within `limits`."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from shared.runtime.settings import BadSettings, Settings
from shared.web import limits
from shared.web.connections import BoundedConnection

_GRACE_SECONDS: Final = 2


async def serve(app: FastAPI, settings: Settings) -> None:
    """Serve until cancelled; then finish the open requests (2 s at most) and release the port.

    Raises `BadSettings` where the address cannot be listened on.
    """
    server = _Server(_config(app, settings))
    serving = asyncio.ensure_future(_listen(server))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


def _config(app: FastAPI, settings: Settings) -> uvicorn.Config:
    protocol: Any = partial(BoundedConnection, app.state.connections)
    return uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        http=protocol,
        ws="none",
        server_header=False,
        proxy_headers=bool(settings.http_trusted_proxies),
        forwarded_allow_ips=settings.http_trusted_proxies,
        h11_max_incomplete_event_size=limits.HEADER_BYTES,
        timeout_keep_alive=limits.IDLE_SECONDS,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )


class _Server(uvicorn.Server):
    """Leaves signals to the runtime."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handler."""
        yield


async def _listen(server: uvicorn.Server) -> None:
    """Where uvicorn cannot listen it raises `SystemExit` with a code that means an alarm here."""
    try:
        await server.serve()
    except SystemExit:
        host, port = server.config.host, server.config.port
        raise BadSettings(f"TENURE_HTTP_HOST, TENURE_HTTP_PORT: {host}:{port} is taken, or not ours.") from None
