"""Looking through all accounts without holding up what else the process does."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from tenure.ops.accounts import AccountRow, ListedAccount, matching


async def matching_in_turns(
    rows: dict[str, bytes], wanted: Callable[[AccountRow], bool]
) -> AsyncIterator[Sequence[ListedAccount]]:
    """The accounts that are wanted, in pieces; others have their turn after each few thousand that were looked at."""
    for piece in matching(rows, wanted):
        yield piece
        await asyncio.sleep(0)
