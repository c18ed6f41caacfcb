"""The folder that a stack works in: one that is kept, or a temporary one that is removed, however we end.

A temporary folder is removed by a child process (`python -m tenure.local.folders FOLDER`) that waits for its standard
input to end; the kernel closes that when we are killed.
"""

import fcntl
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_ATTEMPTS: Final = 300
_PAUSE_SECONDS: Final = 0.1


class FolderInUse(Exception):
    """Another `tenure up` works on this `--data` folder."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end with all that is in it; also when this process is killed."""
    with tempfile.TemporaryDirectory(prefix="tenure-", ignore_cleanup_errors=True) as name, _removed(name):
        # PostgreSQL may run as another user; it must be able to enter its own folder.
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def kept_folder(folder: Path) -> Iterator[Path]:
    """This folder, locked against a second stack. Raises `FolderInUse`, and `OSError` when it cannot be made."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"{folder} is in use by another `tenure up`") from None
        yield folder.resolve()


@contextmanager
def _removed(folder: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tenure.local.folders", folder]
    # In a session of its own, so that Ctrl-C does not reach it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def remove(folder: Path) -> None:
    """Remove the folder; try again while processes that are ending still write there."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    sys.stdin.read()
    remove(Path(sys.argv[1]))
