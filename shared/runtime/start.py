"""A service as a process."""

from functools import partial

from shared.runtime.components import Service
from shared.runtime.process import run_process
from shared.runtime.service import run


def start(service: Service) -> int:
    """Run one copy of the service; the exit code, as `run_process` has it."""
    return run_process(partial(run, service))
