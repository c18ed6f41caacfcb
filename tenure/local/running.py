"""A stack for as long as a block runs: started, looked after, and ended without a trace; and ending on a signal.

For `tenure up`, `tenure demo` and the tests of stories.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from tenure.local.part import Say
from tenure.local.stack import Stack, StackOptions

T = TypeVar("T")
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(Exception):
    """A signal ended the work early; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def interruptible() -> None:
    """From now on SIGINT, SIGTERM and SIGHUP raise `Interrupted`, so that whatever has begun ends in order; those that
    come while `run_until_signal` runs are its own.
    """

    def interrupt(number: int, _frame: object) -> None:
        raise Interrupted(number)

    for number in _STOP_SIGNALS:
        signal.signal(number, interrupt)


@asynccontextmanager
async def running(
    options: StackOptions, *, say: Say, changed: Callable[[Stack], None] = lambda _: None
) -> AsyncIterator[Stack]:
    """The stack, ready; what dies is started again, then `changed` is called; at the end every process has ended.

    A part that cannot be started again ends the block. Raises what `Stack.start` and `Stack.keep_running` raise.
    """
    stack = Stack(options, say=say, changed=lambda: changed(stack))
    try:
        await stack.start()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(stack.keep_running())
            yield stack
            keeping.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        await stack.stop()


def run_until_signal(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the work in an event loop; its result. SIGINT, SIGTERM or SIGHUP cancels it, once: a second one does not
    disturb its ending.

    Raises what the work raises, and `Interrupted` when it ended by a signal.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)  # until the loop handles them
    return asyncio.run(_until_signal(work))


async def _until_signal(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    task = asyncio.ensure_future(work())
    received: list[int] = []

    def stop(number: int) -> None:
        received.append(number)
        if len(received) == 1:
            task.cancel()

    for number in _STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
    await asyncio.wait([task])
    if received and task.cancelled():
        raise Interrupted(received[0])
    return task.result()
