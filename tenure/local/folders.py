"""The folder that a stack works in: one that is kept, or a temporary one that is removed, however we end.

Nobody but its owner may enter it, whatever the umask. A kept folder is locked; every process of the stack inherits the
lock, so that after a crash the next start waits until the last of them has ended, and has their ports and files.

A temporary folder is removed by a child process (`python -m tenure.local.folders FOLDER`) that waits for its standard
input to end; the kernel closes that when we are killed.
"""

import fcntl
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_ATTEMPTS: Final = 300
_PAUSE_SECONDS: Final = 0.1
_ENDING_SECONDS: Final = 30.0
"""How long the processes of an earlier start may take to end; a service finishes the batch in hand."""


class FolderInUse(Exception):
    """Another `tenure up` works on this `--data` folder."""


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that is removed at the end with all that is in it; also when this process is killed."""
    made = tempfile.TemporaryDirectory(prefix="tenure-", ignore_cleanup_errors=True)
    with _private_umask(), made as name, _removed(name):
        yield Path(name)


@contextmanager
def kept_folder(folder: Path) -> Iterator[Path]:
    """This folder, locked against a second stack. Raises `FolderInUse`, and `OSError` when it cannot be made."""
    make_private(folder)
    with _private_umask(), (folder / "lock").open("a+", errors="replace") as lock:
        if not _locked_within(lock, _ENDING_SECONDS):
            raise FolderInUse(f"{folder} is in use by another `tenure up`")
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        os.set_inheritable(lock.fileno(), True)
        yield folder.resolve()


@contextmanager
def _private_umask() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def make_private(folder: Path) -> None:
    """Make this folder, which only its owner may enter. Raises `OSError`."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(stat.S_IRWXU)


def put(file: Path, text: str) -> None:
    """Put the whole text in place at once, readable by its owner alone, so that whatever happens meanwhile the file is
    as before or as wanted. Raises `OSError`.
    """
    descriptor, aside = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
            writing.write(text)
        Path(aside).replace(file)
    except BaseException:
        Path(aside).unlink()
        raise


def kept_text(file: Path) -> str:
    """What `put` has put there; empty where nothing has, or where it is no text any more. Raises `OSError`."""
    return file.read_text("utf-8", errors="ignore") if file.exists() else ""


def _locked_within(lock: IO[str], seconds: float) -> bool:
    """Take the lock; wait for it while the `tenure up` that had it is gone and its processes are ending."""
    until = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            if _runs(lock.read()) or time.monotonic() > until:
                return False
            time.sleep(_PAUSE_SECONDS)
        else:
            return True


def _runs(pid: str) -> bool:
    """Whether this process runs. A `tenure up` that has just taken the lock may not have written its id yet."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True


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
