"""`python -m benchmarks.mail_sink PORT`: a mail relay that accepts every mail and forgets it, until it is stopped."""

import asyncio
import sys
from typing import Final

import uvloop

_REPLIES: Final = {
    b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n",
    b"DATA": b"354 go ahead\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
_OK: Final = b"250 2.0.0 ok\r\n"
_END: Final = b"\r\n.\r\n"
_MOST_BYTES: Final = 2**20


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, from the greeting to its end."""
    writer.write(b"220 sink ready\r\n")
    try:
        while line := await reader.readline():
            verb = line[:4].upper()
            writer.write(_REPLIES.get(verb, _OK))
            if verb == b"DATA":
                await reader.readuntil(_END)
                writer.write(_OK)
            if verb == b"QUIT":
                break
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _main(port: int) -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", port, limit=_MOST_BYTES)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1])))
