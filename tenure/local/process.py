"""Child processes that never outlive us: own session, log in a file, ended by the kernel when we die.

A child that must not run as root (PostgreSQL refuses) becomes the user `nobody`. It keeps one
capability, entering and reading any folder, so that a clone in a closed home works. On Linux; elsewhere
only the tie to the parent's life is missing.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_SET_DEATH_SIGNAL: Final = 1
_SET_KEEP_CAPABILITIES: Final = 8
_AMBIENT: Final = 47
_AMBIENT_RAISE: Final = 2
# CAP_DAC_READ_SEARCH; and CAP_DAC_OVERRIDE, which containers have in its place.
_WAYS_THROUGH: Final = (2, 1)
_CAPABILITY_VERSION_3: Final = 0x20080522


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawning:
    """How to start a child; `death_signal` is what it gets when its parent dies."""

    log: Path
    environment: Mapping[str, str] | None = None
    death_signal: signal.Signals = signal.SIGTERM
    unprivileged: bool = False


def spawn(command: Sequence[str], how: Spawning) -> subprocess.Popen[bytes]:
    """Start a child in its own session, both its outputs appended to the log."""
    with how.log.open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(how.environment) if how.environment is not None else None,
            start_new_session=True,
            preexec_fn=_between_fork_and_exec(how),  # noqa: PLW1509
        )


def kill_with_descendants(pid: int) -> None:
    """SIGKILL to a process and to all that it started; what is gone already is fine."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def give_to_unprivileged(path: Path) -> None:
    """Make a file or folder the property of the user as whom unprivileged children run."""
    user = _unprivileged_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _unprivileged_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _between_fork_and_exec(how: Spawning) -> Callable[[], None]:
    user = _unprivileged_user() if how.unprivileged else None
    parent = os.getpid()
    linux = sys.platform == "linux"

    def run() -> None:
        if user is not None:
            _become(user)
        if linux:
            # After the change of user, which resets it; and the parent may be gone by now.
            _LIBC.prctl(_SET_DEATH_SIGNAL, int(how.death_signal), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return run


def _become(user: pwd.struct_passwd) -> None:
    """Give up root for `user`; keep a way through closed folders where the kernel lets us."""
    _LIBC.prctl(_SET_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    for capability in _WAYS_THROUGH:
        if _keep(capability):
            break


def _keep(capability: int) -> bool:
    """Make the one capability last beyond the exec to come; False where it is not ours to keep."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    wanted = 1 << capability
    sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
    kept = _LIBC.capset(header, sets) == 0 and _LIBC.prctl(_AMBIENT, _AMBIENT_RAISE, capability, 0, 0) == 0
    return bool(kept)
