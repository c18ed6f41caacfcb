"""Free ports for what a test runs in its own process, apart from those of local stacks.

A stack that starts again finds the ports that it had, however many servers other tests start meanwhile.
"""

from functools import partial
from typing import Final

from tenure.local import ports

free_port: Final = partial(ports.free_port, 10_000, 19_999)
"""A port that nobody uses now."""
