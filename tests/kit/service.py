"""One copy of a service inside the test process, on real parts, reached over its own HTTP port."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import httpx

from shared.runtime.components import Service
from shared.runtime.service import run
from shared.runtime.settings import Settings
from tests.kit import http
from tests.kit.ports import free_port
from tests.kit.waiting import eventually


class RunningService:
    """A copy that runs as a task; `client` speaks to its HTTP port."""

    def __init__(self, client: httpx.AsyncClient, task: "asyncio.Future[None]") -> None:
        self.client = client
        self._task = task

    async def is_ready(self, but_for: Collection[str] = ()) -> bool:
        """Whether `/ready` names no trouble besides `but_for`, such as `mail`. Raises what ended the copy."""
        if self._task.done():
            self._task.result()
        try:
            troubles = (await self.client.get("/ready")).json()["troubles"]
        except httpx.TransportError:
            return False
        return not troubles.keys() - set(but_for)


@asynccontextmanager
async def running_service(
    service: Service, settings: Settings, *, but_for: Collection[str] = ()
) -> AsyncIterator[RunningService]:
    """Run a copy on a free port until the block ends. The block begins once it is ready, `but_for` these troubles."""
    ours = settings.model_copy(update={"http_port": free_port()})
    task = asyncio.ensure_future(run(service, ours))
    url = f"http://{ours.http_host}:{ours.http_port}"
    try:
        async with http.client(base_url=url) as client:
            copy = RunningService(client, task)
            await eventually(lambda: copy.is_ready(but_for))
            yield copy
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
