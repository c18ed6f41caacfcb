"""The lines of the log that only the operations page has; what may stand in one: `shared.runtime.log_lines`."""

import logging
from typing import Final

from shared.runtime.log_lines import LogLine

OPS_STARTED: Final = LogLine(
    "ops_started", logging.INFO, "the operations page has started", ("version", "host", "port")
)
CAUGHT_UP: Final = LogLine("caught_up", logging.INFO, "the page has read all that is on the topics", ("accounts",))
NUMBERS_BEGUN_ANEW: Final = LogLine(
    "numbers_begun_anew", logging.WARNING, "all topics are read again from their beginning", ("reason",)
)
SNAPSHOT_IGNORED: Final = LogLine(
    "snapshot_ignored", logging.WARNING, "the page's own snapshot is not used; all topics are read", ("reason",)
)
SNAPSHOT_LOADED: Final = LogLine("snapshot_loaded", logging.INFO, "the page goes on from its snapshot", ("accounts",))
CHARTS_MISSING: Final = LogLine(
    "charts_missing", logging.WARNING, "the chart library cannot be had; the page draws plain curves", ("reason",)
)
