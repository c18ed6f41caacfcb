"""A stack of one's own to play on: started, looked after, and gone without a trace at the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tenure.local.part import Say
from tenure.local.stack import Stack, StackOptions
from tenure.story.driver import Places


@asynccontextmanager
async def running(options: StackOptions, *, say: Say) -> AsyncIterator[Stack]:
    """The stack, ready; what dies is started again; every process has ended when this does.

    Raises what `Stack.start` raises.
    """
    stack = Stack(options, say=say)
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
