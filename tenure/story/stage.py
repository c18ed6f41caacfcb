"""A stack of one's own to play on: started, looked after, and gone without a trace at the end."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tenure.local.part import Say
from tenure.local.stack import Stack, Wishes
from tenure.story.driver import Places


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder that goes at the end, whatever lies in it then."""
    with tempfile.TemporaryDirectory(prefix="tenure-", ignore_cleanup_errors=True) as name:
        # PostgreSQL may run as another user than we; it has to get through to its own folder.
        Path(name).chmod(0o711)
        yield Path(name)


@asynccontextmanager
async def running(wishes: Wishes, *, say: Say) -> AsyncIterator[Stack]:
    """The stack, ready; what dies is started again; every process has ended when this does.

    Raises what `Stack.start` raises.
    """
    stack = Stack(wishes, say=say)
    keeping: asyncio.Task[None] | None = None
    try:
        await stack.start()
        keeping = asyncio.create_task(stack.keep_running())
        yield stack
    finally:
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await stack.stop()


def places(stack: Stack, *, mail_url: str | None = None, topic_prefix: str = "") -> Places:
    """Where its parts are; `mail_url` for a mail server that is not the stack's own."""
    told = stack.document()
    return Places(
        kafka=told["kafka"],
        subscription_url=told["subscription_url"],
        notifier_url=told["notifier_url"],
        mail_url=mail_url or told["mail_url"],
        auth_secret=told["auth_secret"],
        topic_prefix=topic_prefix,
    )
