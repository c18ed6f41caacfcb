"""Stop signals while nothing is open yet, or nothing any more: the process ends at once, and says nothing.

It imports nothing slow, so that it can stand before all other imports: they take a moment, in which Python would answer
Ctrl-C with a traceback.
"""

import os
import signal

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _AtOnce:
    """A signal handler."""

    def __init__(self, exit_code: int) -> None:
        self._exit_code = exit_code

    def __call__(self, _number: int, _frame: object) -> None:
        os._exit(self._exit_code)


def end_at_once(exit_code: int, *numbers: signal.Signals) -> None:
    """From now on these signals end the process with this exit code. In the main thread only."""
    for number in numbers:
        signal.signal(number, _AtOnce(exit_code))


def end_in_order() -> None:
    """From now on something is open: where a signal ended the process at once, it does what it does without us."""
    for number in STOP_SIGNALS:
        if isinstance(signal.getsignal(number), _AtOnce):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
