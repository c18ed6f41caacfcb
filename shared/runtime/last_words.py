"""Why a process of ours ended, in its own sentence, as `process` and `logging` wrote it to the end of its log. Pure."""

import json
import re
from collections.abc import Sequence
from typing import Final

_TIMED: Final = re.compile(r"\d{4}-\d\d-\d\dT\S+ [A-Z]+ ")
_REASON: Final = re.compile(r'\d{4}-\d\d-\d\dT\S+ CRITICAL .* reason=("(?:[^"\\]|\\.)*"|\S+)')


def last_words(log: Sequence[str]) -> str:
    """The reason in the last lines of a log, of either format; empty where there is none.

    Settings that are wrong stand there alone, since at that moment the format may not be known yet.
    """
    alone: list[str] = []
    for line in reversed(log):
        if reason := _reason(line):
            return reason
        if alone and _is_of_the_log(line):
            break
        if not _is_of_the_log(line):
            alone.insert(0, line.strip())
    return " ".join(alone)


def _reason(line: str) -> str:
    if line.startswith("{"):
        said = _object(line)
        return str(said.get("reason", "")) if said.get("level") == "critical" else ""
    if found := _REASON.match(line):
        return str(json.loads(found[1])) if found[1].startswith('"') else found[1]
    return ""


def _is_of_the_log(line: str) -> bool:
    """Otherwise it stands alone. What is indented belongs to the line above."""
    return bool(_TIMED.match(line)) or line.startswith((" ", "{"))


def _object(line: str) -> dict[str, object]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
