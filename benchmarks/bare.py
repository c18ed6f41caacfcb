"""`python -m benchmarks.bare DESIGN TEXTS`, with a service's environment."""

import sys
from pathlib import Path

import asyncpg
import uvloop

from benchmarks.bare_loop.designs import DESIGNS
from benchmarks.bare_loop.loop import BareLoop
from benchmarks.bare_loop.texts import TypicalTexts
from shared.runtime.settings import load


async def _main(design: str, file: Path) -> None:
    settings, texts = load(), TypicalTexts.read(file)
    url = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(url, min_size=2, server_settings={"search_path": "subscription"}) as pool:
        await BareLoop(settings, texts, DESIGNS[design](texts), pool).run()


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], Path(sys.argv[2])))
