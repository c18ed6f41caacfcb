"""Running several operations side by side, so that none outlives the others.

Both functions raise the first error as it is, where `asyncio.TaskGroup` raises a group: callers handle one at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from shared.runtime.errors import Transient

Operation: TypeAlias = Callable[[], Awaitable[object]]


class _Returned(Exception):
    """An operation has returned."""


async def run_all(*operations: Operation) -> None:
    """Run all operations until each has returned. When one raises, cancel the others, wait for them, and raise that."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_run(operation)) for operation in operations]
            # A group that is cancelled while it is being left miscounts its cancellations in Python 3.11.
            await asyncio.wait(tasks or [group.create_task(asyncio.sleep(0))])
    except BaseExceptionGroup as errors:
        _raise_pending_cancellation()
        raise errors.exceptions[0] from None


async def run_until_one_ends(*operations: Operation) -> None:
    """Run all operations until the first one returns or raises; then cancel the others and wait for them."""
    try:
        await run_all(*(partial(_raise_when_returned, operation) for operation in operations))
    except _Returned:
        return


async def _run(operation: Operation) -> None:
    """A task group takes an operation that was cancelled from within (by a library) for one that has returned."""
    try:
        await operation()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task and not task.cancelling():
            raise Transient("an operation was cancelled by a library that it uses") from None
        raise


async def _raise_when_returned(operation: Operation) -> None:
    await operation()
    raise _Returned


def _raise_pending_cancellation() -> None:
    """A task group that is cancelled from outside raises its tasks' errors instead, where there are any."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
