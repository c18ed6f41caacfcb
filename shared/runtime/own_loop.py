"""An operation in an event loop of its own, in a thread beside the caller's.

What runs there delays nothing here by more than Python's switch between threads (a few ms), and the other way round.
The two share memory: what both use must be safe for threads, and nothing that belongs to one event loop (database
connections, `asyncio.Event`) may be used in the other.
"""

import asyncio
from contextlib import suppress

from shared.runtime.tasks import Operation, run_until_one_ends


async def run_in_own_loop(operation: Operation) -> None:
    """Run the operation until it returns or raises, which is passed on; cancelled, cancel it there and wait for it."""
    ours = asyncio.get_running_loop()
    loop = type(ours)()
    loop.set_exception_handler(ours.get_exception_handler())
    stop = asyncio.Event()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run_until_one_ends(operation, stop.wait))

    running = asyncio.ensure_future(asyncio.to_thread(run))
    try:
        await asyncio.shield(running)
    finally:
        with suppress(RuntimeError):  # it has ended by itself, and its loop is closed
            loop.call_soon_threadsafe(stop.set)
        await asyncio.wait([running])
