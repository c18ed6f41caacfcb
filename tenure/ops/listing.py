"""Looking through all accounts without holding up what else the process does."""

import asyncio
from collections.abc import AsyncIterator, Callable

from tenure.ops.accounts import AccountRow, ListedAccount, matching


async def matching_in_turns(
    rows: dict[str, bytes], wanted: Callable[[AccountRow], bool]
) -> AsyncIterator[ListedAccount]:
    """The accounts that are wanted; others have their turn after every few thousand that were looked at."""
    for piece in matching(rows, wanted):
        for listed in piece:
            yield listed
        await asyncio.sleep(0)
