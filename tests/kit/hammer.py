"""Load on the HTTP of a service, until killed: `python tests/kit/hammer.py PORT KIND [TOKEN]`.

KIND is a path, which 64 connections ask for in a loop; `half`: 1,500 requests that never end; `streams`: 2,000 streams
of the token's account. It says `ready` once it is under way.
"""

import asyncio
import sys
from contextlib import suppress

CALLERS = 64
HALF_REQUESTS = 1_500
STREAMS = 2_000


async def ask(port: int, path: str) -> None:
    """Ask again and again, on one connection for as long as it lasts."""
    request = f"GET {path} HTTP/1.1\r\nHost: service\r\n\r\n".encode()
    while True:
        with suppress(OSError, asyncio.IncompleteReadError, ValueError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while True:
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                await reader.readexactly(int(head.lower().partition("content-length: ")[2].partition("\r\n")[0]))


async def hold(port: int, sent: str) -> None:
    """Send this, then read whatever comes; begin again when the connection closes."""
    while True:
        with suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent.encode())
            while await reader.read(65_536):
                pass
        await asyncio.sleep(1)


async def main(port: int, kind: str, token: str = "") -> None:
    """Under way until cancelled."""
    match kind:
        case "half":
            work = [hold(port, "GET /health HTTP/1.1\r\nHost: service\r\nX-Half: ") for _ in range(HALF_REQUESTS)]
        case "streams":
            head = f"GET /api/inbox/stream HTTP/1.1\r\nHost: service\r\nAuthorization: {token}\r\n\r\n"
            work = [hold(port, head) for _ in range(STREAMS)]
        case path:
            work = [ask(port, path) for _ in range(CALLERS)]
    tasks = [asyncio.ensure_future(each) for each in work]
    await asyncio.sleep(1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
