"""What each error of PostgreSQL and of its driver means: one table, so that nothing is judged twice.

The rule behind it: an error becomes a dead letter only where the record itself can be its cause. Whatever the table
does not name is a problem that no single record causes, and is waited for. `shared.storage.errors` asks `meaning_of`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final, NamedTuple


class Source(StrEnum):
    """Who raises the error."""

    POSTGRESQL = "PostgreSQL"
    """The server; codes are SQLSTATEs (5 characters) or their classes (2 characters)."""
    DRIVER = "PostgreSQL's driver"
    """asyncpg and SQLAlchemy; codes are names of exception classes."""


class Meaning(StrEnum):
    """What must be done."""

    WAIT = "wait"
    """Wait and try the same again (`Transient`); `/ready` says why."""
    HALVE = "halve"
    """A statement took too long (`SlowStatement`): the batch is halved until the culprit is alone."""
    DEAD_LETTER = "dead letter"
    """The record can be the cause: the batch is halved, and the record that fails alone becomes a dead letter."""


class ErrorRow(NamedTuple):
    """`code`: as `source` names its errors; `ANY` for those that no other row names."""

    source: Source
    code: str
    meaning: Meaning
    why: str


ANY: Final = ""

ERROR_TABLE: Final = (
    ErrorRow(Source.POSTGRESQL, "21", Meaning.DEAD_LETTER, "cardinality: values of the batch contradict each other"),
    ErrorRow(Source.POSTGRESQL, "22", Meaning.DEAD_LETTER, "a value that its column cannot hold"),
    ErrorRow(Source.POSTGRESQL, "23", Meaning.DEAD_LETTER, "a value that a constraint refuses"),
    ErrorRow(Source.POSTGRESQL, "54", Meaning.DEAD_LETTER, "a value larger than PostgreSQL's limits"),
    ErrorRow(Source.POSTGRESQL, "57014", Meaning.HALVE, "our own statement_timeout, or an operator's cancel"),
    ErrorRow(Source.POSTGRESQL, "08", Meaning.WAIT, "the connection is lost or refused"),
    ErrorRow(Source.POSTGRESQL, "0A", Meaning.WAIT, "a plan from before a migration; the next try makes a new one"),
    ErrorRow(Source.POSTGRESQL, "25", Meaning.WAIT, "read-only, or a transaction that was idle for too long was ended"),
    ErrorRow(Source.POSTGRESQL, "28", Meaning.WAIT, "the login is refused; its password may be changing"),
    ErrorRow(Source.POSTGRESQL, "3D", Meaning.WAIT, "the database does not exist yet"),
    ErrorRow(Source.POSTGRESQL, "3F", Meaning.WAIT, "the schema does not exist"),
    ErrorRow(Source.POSTGRESQL, "40", Meaning.WAIT, "serialization failure or deadlock"),
    ErrorRow(Source.POSTGRESQL, "42", Meaning.WAIT, "a table, column or right is missing"),
    ErrorRow(Source.POSTGRESQL, "53", Meaning.WAIT, "the disk is full, or memory or connections are used up"),
    ErrorRow(Source.POSTGRESQL, "55", Meaning.WAIT, "another session holds a lock"),
    ErrorRow(Source.POSTGRESQL, "57", Meaning.WAIT, "the server is starting, stopping, or ended this session"),
    ErrorRow(Source.POSTGRESQL, "58", Meaning.WAIT, "the server cannot read or write its files"),
    ErrorRow(Source.POSTGRESQL, "P0", Meaning.WAIT, "a trigger or function of somebody else raised it"),
    ErrorRow(Source.POSTGRESQL, "XX", Meaning.WAIT, "an internal error, or damaged data"),
    ErrorRow(Source.POSTGRESQL, ANY, Meaning.WAIT, "no other class can be caused by a record"),
    ErrorRow(Source.DRIVER, "DataError", Meaning.DEAD_LETTER, "a value that the driver cannot encode for its column"),
    ErrorRow(Source.DRIVER, "OSError", Meaning.WAIT, "the network, or a server that is away"),
    ErrorRow(Source.DRIVER, "TimeoutError", Meaning.WAIT, "a server that answers nothing, or a full pool"),
    ErrorRow(Source.DRIVER, "CancelledError", Meaning.WAIT, "the driver gave up; nobody cancelled the task"),
    ErrorRow(Source.DRIVER, "InternalClientError", Meaning.WAIT, "the driver's own state after a lost connection"),
    ErrorRow(Source.DRIVER, "InterfaceError", Meaning.WAIT, "the connection is closed or in use"),
    ErrorRow(Source.DRIVER, ANY, Meaning.WAIT, "anything else that is raised while the connection is closed"),
)


def meaning_of(source: Source, codes: Iterable[str]) -> Meaning:
    """The meaning of an error with these codes, the most specific one first."""
    return next(_MEANINGS[source, code] for code in (*codes, ANY) if (source, code) in _MEANINGS)


_MEANINGS: Final = {(row.source, row.code): row.meaning for row in ERROR_TABLE}
