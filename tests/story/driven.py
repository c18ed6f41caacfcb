"""Both services with a test clock, as the stories drive them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tenure.local.mail import MailServer
from tenure.local.running import running
from tenure.local.stack import StackOptions
from tenure.story.driver import Driver, addresses_of, driving


@asynccontextmanager
async def driven_stack(
    stack_options: Mapping[str, Any], mail_server: MailServer, begins: datetime
) -> AsyncIterator[Driver]:
    """The driver of a stack of these options, whose test clock stands at `begins` first."""
    prefix = stack_options["environment"]["TENURE_TOPIC_PREFIX"]
    async with running(StackOptions(**stack_options, test_clock=begins.isoformat()), say=print) as stack:
        where = addresses_of(stack, mail_url=mail_server.url, topic_prefix=prefix)
        async with driving(where, now=begins) as driver:
            yield driver
