"""Running several operations side by side, so that none outlives the others."""

import asyncio
from collections.abc import Awaitable, Callable


class _Returned(Exception):
    """An operation has returned: leaves the task group, which cancels the others."""


async def run_until_one_ends(*operations: Callable[[], Awaitable[object]]) -> None:
    """Run all operations until the first one returns or raises; then cancel the others and wait for them.

    What the first one raised is raised as it is, not in a group: its caller handles one error at a time.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for operation in operations:
                group.create_task(_raise_when_done(operation))
            await asyncio.Event().wait()  # cancelled by the group: left otherwise, Python 3.11 miscounts cancellations
    except BaseExceptionGroup as ended:
        _raise_pending_cancellation()
        if not isinstance(ended.exceptions[0], _Returned):
            raise ended.exceptions[0] from None


async def _raise_when_done(operation: Callable[[], Awaitable[object]]) -> None:
    await operation()
    raise _Returned


def _raise_pending_cancellation() -> None:
    """A task group that is cancelled from outside raises its tasks' errors instead, where there are any."""
    task = asyncio.current_task()
    if task and task.cancelling():
        raise asyncio.CancelledError
