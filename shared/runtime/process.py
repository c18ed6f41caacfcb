"""From a bare process to a running one: settings, log, event loop, stop signals, and an exit code."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeAlias

import uvloop

from shared.runtime.ending import STOP_SIGNALS, end_at_once
from shared.runtime.errors import Alarm
from shared.runtime.garbage import collect_garbage_seldom
from shared.runtime.log_lines import ALARM, CANNOT_START, CRASHED
from shared.runtime.logging import configure_logging, log_unhandled
from shared.runtime.settings import BadSettings, Settings, load

CRASH: Final = 1
BAD_SETTINGS: Final = 2
ALARMED: Final = 3
_SWITCH_SECONDS: Final = 0.001
"""After so long Python gives another thread its turn: HTTP under load delays each step of a batch by no more."""


Program: TypeAlias = Callable[[Settings], Awaitable[None]]
"""Runs until it has done its work, or is told to stop."""


def run_process(program: Program) -> int:
    """Run the program; returns the exit code, and writes the reason to standard error.

    0: stopped by a signal; 1: an error that nobody expected; 2: settings, policy or catalog are wrong; 3: `Alarm`, a
    person must look.
    """
    try:
        settings = load()
    except BadSettings as bad:
        _say_alone(bad)  # how the log is to be written is not known yet
        return BAD_SETTINGS
    configure_logging(settings)
    collect_garbage_seldom()
    sys.setswitchinterval(_SWITCH_SECONDS)
    code = _run(program, settings)
    end_at_once(code, *STOP_SIGNALS)
    return code


async def wait_for_stop_signal() -> None:
    """Return on SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def _run(program: Program, settings: Settings) -> int:
    """The exit code; its reason is the last line of the log."""
    try:
        with asyncio.Runner(loop_factory=_event_loop) as runner:
            runner.run(_completed(program, settings))
    except BadSettings as bad:
        if settings.log_format == "json":
            CANNOT_START.say(reason=str(bad))
        else:
            _say_alone(bad)
        return BAD_SETTINGS
    except Alarm as alarm:
        ALARM.say(reason=str(alarm))
        return ALARMED
    except Exception as error:  # noqa: BLE001 - Python would show its message
        CRASHED.say(error)
        return CRASH
    return 0


def _say_alone(bad: BadSettings) -> None:
    """Without the form of a line. Where the log's disk is full, the exit code says it alone."""
    with suppress(OSError):
        sys.stderr.write(f"{bad}\n")


async def _completed(program: Program, settings: Settings) -> None:
    await program(settings)


def _event_loop() -> asyncio.AbstractEventLoop:
    loop = uvloop.new_event_loop()
    loop.set_exception_handler(log_unhandled)
    return loop
