"""The process of `tenure`: from its first moment to its last, Ctrl-C ends it without a traceback.

What it does is `tenure.command_line`, which is imported here and not above since that takes a while.
"""

import signal
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper

from shared.runtime.ending import STOP_SIGNALS, end_at_once

_INTERRUPTED = 128 + signal.SIGINT


def start() -> int:
    """Run the command of this process's command line; its exit code.

    Stopped before anything has begun, `tenure up` has ended as it should, and every other command was interrupted.
    """
    is_up = sys.argv[1:2] == ["up"]
    end_at_once(0 if is_up else _INTERRUPTED, *(STOP_SIGNALS if is_up else (signal.SIGINT,)))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr; a terminal may know few letters
    code = main()
    end_at_once(code, signal.SIGINT)
    return code


def main(arguments: Sequence[str] | None = None, *, service_commands: Mapping[str, Sequence[str]] | None = None) -> int:
    """Run one command; its exit code. Arguments as of `command_line.run`."""
    from tenure.command_line import run  # noqa: PLC0415

    return run(arguments, service_commands=service_commands)


if __name__ == "__main__":
    sys.exit(start())
