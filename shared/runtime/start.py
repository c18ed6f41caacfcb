"""From a bare process to a running service: settings, log, event loop, and an exit code."""

import asyncio
import gc
import sys
from typing import Final

import uvloop

from shared.runtime.components import Service
from shared.runtime.errors import Alarm
from shared.runtime.logging import configure_logging
from shared.runtime.service import run
from shared.runtime.settings import BadSettings, load

CANNOT_START: Final = 2
ALARMED: Final = 3
_SWITCH_SECONDS: Final = 0.001
"""After so long Python gives another thread its turn: HTTP under load delays each step of a batch by no more."""


def start(service: Service) -> int:
    """Run the service; returns the exit code, and writes the reason to standard error.

    0: stopped by a signal; 2: settings, policy or catalog are wrong; 3: `Alarm`, a person must look.
    """
    try:
        settings = load()
        configure_logging(settings)
        _collect_garbage_seldom()
        sys.setswitchinterval(_SWITCH_SECONDS)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(service, settings))
    except BadSettings as bad:
        sys.stderr.write(f"{bad}\n")
        return CANNOT_START
    except Alarm as alarm:
        sys.stderr.write(f"{alarm}\n")
        return ALARMED
    return 0


def _collect_garbage_seldom() -> None:
    """A batch makes many objects and no cycles; at Python's own thresholds the search for cycles took 20 % of it."""
    gc.freeze()  # what is imported stays
    gc.enable()
    gc.set_threshold(100_000, 20, 50)
