"""The demo without its command line: a story on a stack of its own, and the audit of what it left."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from shared.runtime.counts import counted
from shared.runtime.settings import PREFIX, load
from subscription_service.audit.compare import Audited
from tenure.auditing import audit_database
from tenure.local.part import Say
from tenure.local.running import running
from tenure.local.stack import Stack, StackOptions
from tenure.local.up import SERVICE_COMMANDS
from tenure.story.chapters import Story, StoryContext
from tenure.story.driver import addresses_of, driving
from tenure.story.narrator import Narrator
from tenure.terminal import say, working


class Played(NamedTuple):
    """A story that came true. `checks`: how many; `stack`: on which it was played, still running; `last_mail`: to the
    main account's address, in HTML; None where none was sent.
    """

    checks: int
    stack: Stack
    last_mail: str | None


@asynccontextmanager
async def played(story: Story, folder: Path, *, stack_says: Say) -> AsyncIterator[Played]:
    """Play all chapters on a stack in this folder, which runs until the block ends.

    Raises `CheckFailed`, `NotInTime`, and what `running` raises.
    """
    environment = {**_without_our_settings(os.environ), **story.settings}
    options = StackOptions(folder=folder, environment=environment, commands=SERVICE_COMMANDS, test_clock=story.begins)
    async with AsyncExitStack() as open_:
        with working(lambda: "starting the stack"):
            stack = await open_.enter_async_context(running(options, say=stack_says))
        say("The stack is ready. From here on time is moved by hand.")
        async with driving(addresses_of(stack), now=datetime.fromisoformat(story.begins)) as driver:
            context = StoryContext(stack=stack, narrator=Narrator(driver, story.addresses), folder=folder)
            for chapter in story.chapters:
                await chapter(context)
            mails = await driver.mails(story.addresses[story.account])
        await _audit(stack, context.narrator)
        yield Played(context.narrator.checks, stack, mails[-1].html if mails else None)


async def _audit(stack: Stack, narrator: Narrator) -> None:
    """What `tenure audit` finds in the stack's database."""
    say("")
    say(("tenure audit", "bold"))
    audited = Audited()
    settings = load(stack.services["subscription"][0].environment())
    found = [f"{each.account_id}: {each.what}" async for each in audit_database(settings, audited)]
    say(f"  {audited}: {counted(len(found), 'difference')}")
    narrator.check("folding the whole log gives what is stored", found == [])


def _without_our_settings(environment: Mapping[str, str]) -> Mapping[str, str]:
    """The story's amounts are those of the policy and catalog that come with Tenure."""
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
