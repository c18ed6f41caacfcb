"""The lines of the log: each kind once, with its level, its sentence and its fields. docs/operations.md lists them.

Whatever our code writes to the log is one of these lines, or of those in a service's own `log_lines`. A sentence is
fixed; what differs stands in fields, which hold ids, codes, numbers, places and sentences of our own: never an
address, a name, a text of a customer, a token, a password, or an account id (docs/decisions/0024). An error is shown by
its types and places (`faults`).
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from shared.runtime.faults import places_of, types_of

Value: TypeAlias = str | int | float | None
"""None: the field is left out."""
Given: TypeAlias = Value | Callable[[], Value]
"""A value, or what gives it once the line is really written."""

LOGGER: Final = logging.getLogger("tenure")
_BARE: Final = re.compile(r"[!#-<>-~]+")
"""A value that needs no quotes."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """A kind of line. `level`: that of `logging`; with an error it is `ERROR` at least. `fields`: in their order."""

    kind: str
    level: int
    sentence: str
    fields: tuple[str, ...] = ()

    def of(self, error: BaseException | None = None, /, **values: Given) -> "LogMessage":
        """The line with these values, not written yet. A value that is no field of the line is left out."""
        return LogMessage(self, values, error)

    def say(self, error: BaseException | None = None, /, **values: Given) -> None:
        """Write the line."""
        self.of(error, **values).say()


@dataclass(frozen=True, slots=True)
class LogMessage:
    """One line: what `logging` takes as its message."""

    line: LogLine
    values: Mapping[str, Given] = field(default_factory=dict)
    error: BaseException | None = None

    def say(self) -> None:
        """Write it."""
        LOGGER.log(self.line.level if self.error is None else max(self.line.level, logging.ERROR), self)

    def fields(self) -> dict[str, Value]:
        """Name -> value of the fields that have one; `error`: the types of the error."""
        given = {name: self.values.get(name) for name in self.line.fields}
        found = {name: value() if callable(value) else value for name, value in given.items()}
        if self.error is not None:
            found["error"] = types_of(self.error)
        return {name: _rounded(value) for name, value in found.items() if value is not None}

    @property
    def trace(self) -> str:
        """The places of the error; empty without one."""
        return "" if self.error is None else places_of(self.error)

    def __str__(self) -> str:
        """Sentence, fields and trace, as the text format has them."""
        fields = "".join(f" {name}={_in_text(value)}" for name, value in self.fields().items())
        trace = "".join(f"\n  {line}" for line in self.trace.splitlines())
        return f"{self.line.sentence}{fields}{trace}"


def say_all(messages: Iterable["LogMessage"]) -> None:
    """Write lines that were kept until what they tell was committed."""
    for line in messages:
        line.say()


def trace_id(traceparent: str | None) -> str | None:
    """The trace id in a W3C `traceparent`, which is well formed or None."""
    return traceparent.split("-")[1] if traceparent else None


def _rounded(value: Value) -> Value:
    return round(value, 1) if isinstance(value, float) else value


def _in_text(value: Value) -> str:
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=not text.isprintable())


STARTED: Final = LogLine(
    "started",
    logging.INFO,
    "the service has started",
    (
        *("service", "version", "schema_revision", "host", "port", "roles"),
        *("policy", "policy_digest", "catalog", "catalog_digest"),
    ),
)
STOPPED: Final = LogLine("stopped", logging.INFO, "the service was told to stop, and has", ("service",))
TEST_CLOCK_ON: Final = LogLine(
    "test_clock_on", logging.WARNING, "THE TEST CLOCK IS ON: time stands still and moves only by events", ("topic",)
)
TEST_CLOCK_SETTLED: Final = LogLine(
    "test_clock_settled", logging.INFO, "the test clock has moved and settled", ("now",)
)
ALARM: Final = LogLine("alarm", logging.CRITICAL, "ALARM, a person must look", ("reason",))
CANNOT_START: Final = LogLine("cannot_start", logging.CRITICAL, "the service cannot start", ("reason",))
CRASHED: Final = LogLine("crashed", logging.CRITICAL, "the service ends by an error that nobody expected")
UNHANDLED: Final = LogLine("unhandled", logging.ERROR, "an error that nothing handles", ("where",))
LIBRARY: Final = LogLine("library", logging.WARNING, "a library says", ("logger", "text"))
LEFT_OUT: Final = LogLine(
    "left_out", logging.WARNING, "more lines of a kind were left out", ("of_kind", "lines", "seconds")
)

WAITING: Final = LogLine("waiting", logging.WARNING, "waiting", ("component", "reason", "seconds", "shorter_waits"))
WAITING_AT_START: Final = LogLine("waiting", logging.INFO, "waiting at the start", ("component", "reason", "seconds"))
GOES_ON: Final = LogLine("goes_on", logging.INFO, "the wait is over", ("component", "seconds"))

DEAD_LETTER: Final = LogLine(
    "dead_letter",
    logging.WARNING,
    "a record became a dead letter",
    ("reason", "topic", "partition", "offset", "event_id", "trace_id"),
)
READS_AGAIN: Final = LogLine("reads_again", logging.INFO, "reading again from the stored positions", ("reason",))
BATCH_UNFINISHED: Final = LogLine(
    "batch_unfinished", logging.WARNING, "a batch was not finished at the stop and will be read again", ("seconds",)
)
CONSUMER_REPLACED: Final = LogLine(
    "consumer_replaced",
    logging.WARNING,
    "the consumer has been silent for too long, and is replaced",
    ("places",),
)
NAME_TAKEN: Final = LogLine(
    "name_taken",
    logging.ERROR,
    "another process has joined the group under this TENURE_INSTANCE_ID; this one goes on without a name",
    ("group", "instance_id"),
)
SESSION_LENGTHENED: Final = LogLine(
    "session_lengthened",
    logging.WARNING,
    "the broker takes no group session that short; a longer one is asked for",
    ("asked_seconds", "seconds"),
)
DISPLAYS_BEHIND: Final = LogLine(
    "displays_behind", logging.INFO, "Kafka's own displays of the lag are not up to date", ("because",)
)
STANDSTILL: Final = LogLine("standstill", logging.ERROR, "a partition cannot be read further", ("reason",))
LEADS: Final = LogLine("leads", logging.INFO, "this copy leads and publishes the log")
SHORTENED: Final = LogLine(
    "shortened",
    logging.ERROR,
    "an entry of the log is published shortened",
    ("topic", "partition", "sequence", "bytes"),
)
CLIENT_DISCARDED: Final = LogLine(
    "client_discarded", logging.INFO, "a client of Kafka did not close cleanly", ("because",)
)
REJOINS: Final = LogLine("rejoins", logging.WARNING, "this copy joins the group anew", ("reason",))
SESSION_LOST: Final = LogLine(
    "session_lost", logging.WARNING, "a database session was lost; another one is opened", ("of", "reason")
)

REQUEST_FAILED: Final = LogLine("request_failed", logging.ERROR, "an HTTP request failed", ("method",))
NO_TOKENS: Final = LogLine(
    "no_tokens",
    logging.WARNING,
    "neither TENURE_AUTH_SECRET nor TENURE_AUTH_JWKS_URL is set: every token is refused",
)
