"""Child processes that never outlive us: own session, log in a file, ended by the kernel when we die.

A child that must not run as root (PostgreSQL refuses) becomes the user `nobody`. It keeps one capability, to enter and
read any folder, so that a checkout in a home closed to others works. Elsewhere than on Linux the kernel does not end
the children of a killed parent.
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
_READ_ANYTHING: Final = (2, 1)
_CAPABILITY_VERSION_3: Final = 0x20080522
_PRIVATE_UMASK: Final = 0o077


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnOptions:
    """How to start a child. `environment`: None for ours; `death_signal`: sent to it when its parent dies.

    `working_folder`: None for ours.
    """

    log: Path
    working_folder: Path | None = None
    environment: Mapping[str, str] | None = None
    death_signal: signal.Signals = signal.SIGTERM
    unprivileged: bool = False


def spawn(command: Sequence[str], options: SpawnOptions) -> subprocess.Popen[bytes]:
    """Start a child in its own session, both its outputs appended to the log; what it writes is its user's alone.

    It inherits the lock of the data folder (`folders`), and no other open file.
    """
    with open(options.log, "ab", opener=_private) as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=dict(options.environment) if options.environment is not None else None,
            cwd=options.working_folder,
            umask=_PRIVATE_UMASK,
            close_fds=False,  # only what was made inheritable stays open
            start_new_session=True,
            preexec_fn=_between_fork_and_exec(options),  # noqa: PLW1509
        )


def ending_with_us(number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """What a child must run between fork and exec (`preexec_fn`), so that it gets this signal when we die.

    Call it in the thread that starts the child: the kernel takes the end of that thread for our death.
    """
    parent = os.getpid()

    def run() -> None:
        if sys.platform == "linux":
            _LIBC.prctl(_SET_DEATH_SIGNAL, int(number), 0, 0, 0)
            if os.getppid() != parent:  # which may have ended by now
                os._exit(1)

    return run


def kill_with_descendants(pid: int) -> None:
    """SIGKILL to a process and to all that it started; those that have ended already are passed over."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def listens(pid: int, port: int) -> bool:
    """Whether this process, or one that it started, listens on the port. True where nobody lets us look."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        sockets = [each for one in family for each in one.net_connections("tcp")]
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)


def give_to_unprivileged(path: Path) -> None:
    """Make a file or folder the property of the user as whom unprivileged children run."""
    user = _unprivileged_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _unprivileged_user() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _between_fork_and_exec(options: SpawnOptions) -> Callable[[], None]:
    user = _unprivileged_user() if options.unprivileged else None
    end_with_us = ending_with_us(options.death_signal)

    def run() -> None:
        if user is not None:
            _become(user)
        end_with_us()  # after the change of user, which resets it

    return run


def _become(user: pwd.struct_passwd) -> None:
    """Become `user` instead of root; keep the right to enter closed folders where the kernel allows it."""
    _LIBC.prctl(_SET_KEEP_CAPABILITIES, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    for capability in _READ_ANYTHING:
        if _keep(capability):
            break


def _keep(capability: int) -> bool:
    """Keep this capability over the coming exec; False where we do not have it."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    wanted = 1 << capability
    sets = (ctypes.c_uint32 * 6)(wanted, wanted, wanted, 0, 0, 0)
    kept = _LIBC.capset(header, sets) == 0 and _LIBC.prctl(_AMBIENT, _AMBIENT_RAISE, capability, 0, 0) == 0
    return bool(kept)
