"""How a benchmark of its own runs: in a folder that goes at the end; the result as JSON, and in words."""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from benchmarks.page import write_json


def run_standalone(
    measure: Callable[[Path], Coroutine[Any, Any, Mapping[str, Any]]],
    *,
    results: Path,
    tell: Callable[[Mapping[str, Any]], None],
) -> int:
    """Measure in a folder that other users of the system may read, as PostgreSQL's has to be; the exit code.

    It is 1 where an audit has `findings`.
    """
    with tempfile.TemporaryDirectory(prefix="tenure-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        found = asyncio.run(measure(Path(folder)))
    write_json(results, found)
    tell(found)
    return 1 if found.get("findings") else 0
