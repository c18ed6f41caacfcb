"""A TCP connection that can be made to hang: between a service and, say, its database, and nothing is said any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class FreezingProxy:
    """Passes bytes on, both ways; while `flowing` is cleared it takes connections and bytes, and passes none on."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.flowing = asyncio.Event()
        self.flowing.set()

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side closes."""
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self.flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def freezing_proxy(host: str, port: int) -> AsyncIterator[FreezingProxy]:
    """In front of this address, on a free port of 127.0.0.1, until the block ends."""
    tasks: set[asyncio.Future[None]] = set()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(host, port)
        for pair in ((reader, there_writer), (there_reader, writer)):
            tasks.add(asyncio.ensure_future(proxy.pass_on(*pair)))

    async with await asyncio.start_server(connect, "127.0.0.1", 0) as server:
        proxy = FreezingProxy(server.sockets[0].getsockname()[1])
        yield proxy
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
