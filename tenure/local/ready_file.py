"""The ready file: where a stack is, and with which secret.

It stands only while its stack is ready: who waits for it may connect.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tenure.local.folders import kept_text, put


class ReadyFileInUse(Exception):
    """Another `tenure up`, which runs, has written this file."""


class ReadyFile:
    """The one of this stack; None: nobody wants one."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._written = ""

    def clear(self) -> None:
        """Remove what a stack that was killed has left. Raises `ReadyFileInUse`, and `OSError`."""
        if self._file is None:
            return
        if _is_of_a_running_stack(self._file):
            raise ReadyFileInUse(f"{self._file} is that of another `tenure up`, which runs; name another --ready-file")
        self._file.unlink(missing_ok=True)

    def write(self, document: Mapping[str, Any]) -> None:
        """Put the whole document in place at once. Raises `OSError`."""
        if self._file is not None:
            write_ready_file(self._file, document)
            self._written = kept_text(self._file)

    def remove(self) -> None:
        """Remove it, unless somebody else has written it since."""
        if self._file is not None and self._written and kept_text(self._file) == self._written:
            self._file.unlink(missing_ok=True)


def write_ready_file(file: Path, document: Mapping[str, Any]) -> None:
    """Put the whole document in place at once, readable by its owner alone: it holds secrets. Raises `OSError`."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    put(file, json.dumps(document, indent=2))


def _is_of_a_running_stack(file: Path) -> bool:
    """Whether the `tenure up` that it names runs, and did so when it was written: ids are given out anew."""
    try:
        pid, written_at = _pid(kept_text(file)), file.stat().st_mtime
        return pid is not None and psutil.Process(pid).create_time() <= written_at
    except (FileNotFoundError, psutil.Error):
        return False


def _pid(text: str) -> int | None:
    """None where the file is damaged, or was written before there was an id in it."""
    try:
        pid = json.loads(text)["pid"]
    except (ValueError, KeyError, TypeError):
        return None
    return pid if type(pid) is int and pid > 0 else None
