"""The folder that a stack works in: one to keep, or one that is gone afterwards, however we end.

A folder that goes is swept by a child of its own (`python -m tenure.local.folders FOLDER`): it waits for its standard
input to end, which the kernel sees to when we are killed, and then has the whole of it.
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

_SWEEPS: Final = 300
_PAUSE_SECONDS: Final = 0.1


class FolderInUse(Exception):
    """Another `tenure up` works on this `--data` folder."""


@contextmanager
def passing_folder() -> Iterator[Path]:
    """A folder that goes at the end, whatever lies in it then; also when this process is killed."""
    with tempfile.TemporaryDirectory(prefix="tenure-", ignore_cleanup_errors=True) as name, _swept(name):
        # PostgreSQL may run as another user than we; it has to get through to its own folder.
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def kept_folder(folder: Path) -> Iterator[Path]:
    """This folder, held against a second stack. Raises `FolderInUse`, and `OSError` where it cannot be had."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderInUse(f"{folder} is in use by another `tenure up`") from None
        yield folder.resolve()


@contextmanager
def _swept(folder: str) -> Iterator[None]:
    command = [sys.executable, "-m", "tenure.local.folders", folder]
    # A session of its own: Ctrl-C is not meant for it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True):
        yield


def sweep(folder: Path) -> None:
    """Remove it; again and again while those who end just now still write there."""
    for _ in range(_SWEEPS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    sys.stdin.read()
    sweep(Path(sys.argv[1]))
