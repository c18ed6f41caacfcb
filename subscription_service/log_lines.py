"""The subscription service's own lines of the log; what may stand in one: `shared.runtime.log_lines`."""

import logging
from typing import Any, Final

from shared.contracts.envelope import Event
from shared.contracts.lifecycle_parts import RejectionCode
from shared.runtime.log_lines import LogLine, LogMessage, trace_id

REFUSED: Final = LogLine("refused", logging.INFO, "an order was refused", ("code", "type", "event_id", "trace_id"))
RULES_CHANGED: Final = LogLine(
    "rules_changed", logging.INFO, "policy or catalog differ from those before", ("changes", "fingerprint")
)
RULES_ACCEPTED: Final = LogLine("rules_accepted", logging.WARNING, "a change of the rules was accepted", ("meaning",))
TIMERS_FAILED: Final = LogLine(
    "timers_failed", logging.ERROR, "the timers of accounts failed together; each is run alone", ("accounts",)
)
ACCOUNT_FAILED: Final = LogLine(
    "account_failed",
    logging.ERROR,
    "what is due of an account failed; it is tried again later",
    ("again_in_seconds",),
)
STATE_FAILED: Final = LogLine(
    "state_failed",
    logging.ERROR,
    "a state document cannot be made; the next change tries again",
    ("revision",),
)
HOUSEKEEPING_SLOW: Final = LogLine(
    "housekeeping_slow", logging.WARNING, "a step of housekeeping took too long; the next ones are smaller", ("rows",)
)
HOUSEKEEPING_BEHIND: Final = LogLine(
    "housekeeping_behind", logging.WARNING, "housekeeping cannot keep up: more is due", ("deleted", "of", "seconds")
)


def refused(event: Event[Any], code: RejectionCode) -> LogMessage:
    """The line of an event in that was refused."""
    return REFUSED.of(code=code.value, type=event.type, event_id=event.id, trace_id=trace_id(event.traceparent))
