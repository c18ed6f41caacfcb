"""What each error of PostgreSQL, of Kafka and of their clients means: one table, so that nothing is judged twice.

The rule behind it: an error becomes a dead letter only where the record itself can be its cause. Whatever the table
does not name is a problem that no single record causes, and is waited for. `shared.storage.errors` and
`shared.kafka.errors` ask `row_of`. Bytes on a topic that cannot be read raise none of these: `shared.kafka.wire`.
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
    KAFKA = "Kafka"
    """The broker and aiokafka; codes are names of exception classes, or `RETRIABLE`."""


class Meaning(StrEnum):
    """What must be done."""

    WAIT = "wait"
    """Wait and try the same again (`Transient`); `/ready` says why."""
    HALVE = "halve"
    """A batch takes too long (`SlowStatement`) or is too large (`RefusedBatch`): it is halved until one is alone."""
    DEAD_LETTER = "dead letter"
    """The record can be the cause: the batch is halved, and the record that fails alone becomes a dead letter."""
    ALARM = "alarm"
    """It stays as it is until a person changes a setting or the broker (`Alarm`)."""


class ErrorRow(NamedTuple):
    """`code`: as `source` names its errors; `ANY` for those that no other row names.

    `speaks`: its message is about the database alone. The others' may hold values of a record, so they are never shown.
    """

    source: Source
    code: str
    meaning: Meaning
    why: str
    speaks: bool = True


ANY: Final = ""
RETRIABLE: Final = "retriable"
"""Of Kafka: what the protocol itself calls worth another try. Looked at before the class."""

_LOGIN: Final = "the login is refused; its password may be changing"
_RIGHT: Final = "a right is missing, which may be given meanwhile"
_PRODUCER: Final = "another copy publishes now, or a transaction of ours was ended by the broker"
_VERSION: Final = "the broker is too old"

ERROR_TABLE: Final = (
    ErrorRow(
        Source.POSTGRESQL,
        "21",
        Meaning.DEAD_LETTER,
        "values of the batch contradict each other",
        speaks=False,
    ),
    ErrorRow(Source.POSTGRESQL, "22", Meaning.DEAD_LETTER, "a value that its column cannot hold", speaks=False),
    ErrorRow(Source.POSTGRESQL, "23", Meaning.DEAD_LETTER, "a value that a constraint refuses", speaks=False),
    ErrorRow(Source.POSTGRESQL, "54", Meaning.DEAD_LETTER, "a value larger than PostgreSQL's limits", speaks=False),
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
    ErrorRow(Source.POSTGRESQL, "P0", Meaning.WAIT, "a trigger or function of somebody else raised it", speaks=False),
    ErrorRow(Source.POSTGRESQL, "XX", Meaning.WAIT, "an internal error, or damaged data", speaks=False),
    ErrorRow(Source.POSTGRESQL, ANY, Meaning.WAIT, "no other class can be caused by a record", speaks=False),
    ErrorRow(
        Source.DRIVER,
        "DataError",
        Meaning.DEAD_LETTER,
        "a value that the driver cannot encode",
        speaks=False,
    ),
    ErrorRow(Source.DRIVER, "OSError", Meaning.WAIT, "the network, or a server that is away"),
    ErrorRow(Source.DRIVER, "TimeoutError", Meaning.WAIT, "a server that answers nothing, or a full pool"),
    ErrorRow(Source.DRIVER, "CancelledError", Meaning.WAIT, "the driver gave up; nobody cancelled the task"),
    ErrorRow(Source.DRIVER, "InternalClientError", Meaning.WAIT, "the driver's own state after a lost connection"),
    ErrorRow(Source.DRIVER, "InterfaceError", Meaning.WAIT, "the connection is closed or in use"),
    ErrorRow(Source.DRIVER, ANY, Meaning.WAIT, "anything else that is raised while the connection is closed"),
    ErrorRow(Source.KAFKA, RETRIABLE, Meaning.WAIT, "a leader, controller or coordinator moves, or does not answer"),
    ErrorRow(Source.KAFKA, "OSError", Meaning.WAIT, "the network, or a broker that is away"),
    ErrorRow(Source.KAFKA, "TimeoutError", Meaning.WAIT, "a broker that answers nothing"),
    ErrorRow(Source.KAFKA, "KafkaTimeoutError", Meaning.WAIT, "a partition without leader"),
    ErrorRow(Source.KAFKA, "AuthenticationFailedError", Meaning.WAIT, _LOGIN),
    ErrorRow(Source.KAFKA, "AuthenticationMethodNotSupported", Meaning.WAIT, _LOGIN),
    ErrorRow(Source.KAFKA, "SaslAuthenticationFailed", Meaning.WAIT, _LOGIN),
    ErrorRow(Source.KAFKA, "UnsupportedSaslMechanismError", Meaning.WAIT, _LOGIN),
    ErrorRow(Source.KAFKA, "TopicAuthorizationFailedError", Meaning.WAIT, _RIGHT),
    ErrorRow(Source.KAFKA, "GroupAuthorizationFailedError", Meaning.WAIT, _RIGHT),
    ErrorRow(Source.KAFKA, "ClusterAuthorizationFailedError", Meaning.WAIT, _RIGHT),
    ErrorRow(Source.KAFKA, "TransactionalIdAuthorizationFailed", Meaning.WAIT, _RIGHT),
    ErrorRow(Source.KAFKA, "ProducerFenced", Meaning.WAIT, _PRODUCER),
    ErrorRow(Source.KAFKA, "InvalidProducerEpoch", Meaning.WAIT, _PRODUCER),
    ErrorRow(Source.KAFKA, "InvalidTxnState", Meaning.WAIT, _PRODUCER),
    ErrorRow(Source.KAFKA, "OutOfOrderSequenceNumber", Meaning.WAIT, _PRODUCER),
    ErrorRow(Source.KAFKA, "UnknownProducerId", Meaning.WAIT, _PRODUCER),
    ErrorRow(Source.KAFKA, "CorruptRecordException", Meaning.WAIT, "bytes damaged on the way, or on the broker's disk"),
    ErrorRow(Source.KAFKA, "MessageSizeTooLargeError", Meaning.HALVE, "more than the topic's `max.message.bytes`"),
    ErrorRow(Source.KAFKA, "RecordListTooLargeError", Meaning.HALVE, "more than the topic's `segment.bytes`"),
    ErrorRow(Source.KAFKA, "InvalidTopicError", Meaning.ALARM, "a prefix that makes a name which Kafka does not take"),
    ErrorRow(Source.KAFKA, "InvalidPartitionsError", Meaning.ALARM, "more partitions than the broker takes"),
    ErrorRow(Source.KAFKA, "InvalidReplicationFactorError", Meaning.ALARM, "more than there are brokers"),
    ErrorRow(Source.KAFKA, "InvalidConfigurationError", Meaning.ALARM, "a topic's configuration is refused"),
    ErrorRow(Source.KAFKA, "PolicyViolationError", Meaning.ALARM, "the broker's own policy refuses a topic"),
    ErrorRow(Source.KAFKA, "InvalidTransactionTimeout", Meaning.ALARM, "`transaction.max.timeout.ms` is too low"),
    ErrorRow(
        Source.KAFKA,
        "InvalidSessionTimeoutError",
        Meaning.ALARM,
        "a limit of the broker for groups",
    ),
    ErrorRow(Source.KAFKA, "UnsupportedVersionError", Meaning.ALARM, _VERSION),
    ErrorRow(Source.KAFKA, "IncompatibleBrokerVersion", Meaning.ALARM, _VERSION),
    ErrorRow(Source.KAFKA, ANY, Meaning.WAIT, "a new client tries again"),
)


def row_of(source: Source, codes: Iterable[str]) -> ErrorRow:
    """The row of an error with these codes, the most specific one first."""
    return next(_ROWS[source, code] for code in (*codes, ANY) if (source, code) in _ROWS)


_ROWS: Final = {(row.source, row.code): row for row in ERROR_TABLE}
