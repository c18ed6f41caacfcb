"""The topic registry: one entry for each topic of the contract. Pure data.

Everything else about topics is made from it: their creation (`shared/kafka/topics.py`), the headers that the relay
adds, what each service reads and writes, the JSON Schemas and AsyncAPI documents, and where `tenure publish` sends an
event. To add a topic: a constant for its name and an entry in `TOPICS`; to add an event type: a row in the mapping of
its topic in `purchases.py`, `renewals.py`, `inventory.py`, `lifecycle.py` or `outcomes.py`, or in the one of its
subject (`acts.py`, `imported.py`, `recipients.py`), which is part of it.

Names here are logical; `TENURE_TOPIC_PREFIX` is added in `shared/kafka/topics.py` and in the AsyncAPI documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum, auto
from typing import Any, Final, Literal, get_args

from shared.contracts.clock import CLOCK_ADVANCED, CLOCK_EVENTS, CLOCK_SETTLED
from shared.contracts.inventory import INVENTORY_EVENTS
from shared.contracts.lifecycle import LIFECYCLE_EVENTS
from shared.contracts.outcomes import OUTCOME_EVENTS
from shared.contracts.purchases import PURCHASE_EVENTS
from shared.contracts.renewals import RENEWAL_EVENTS
from shared.contracts.state import STATE_DOCUMENTS

PURCHASES: Final = "purchases"
RENEWALS: Final = "renewals"
SERVER_INVENTORY: Final = "server-inventory"
LIFECYCLE: Final = "subscription-lifecycle"
STATE: Final = "subscription-state"
DEAD_LETTERS: Final = "dead-letters"
OUTCOMES: Final = "notification-outcomes"
NOTIFICATION_DEAD_LETTERS: Final = "notification-dead-letters"
TEST_CLOCK: Final = "test-clock"
TEST_CLOCK_SETTLED: Final = "test-clock-settled"
DEAD_LETTERS_HANDLED: Final = "dead-letters-handled"

Service = Literal["subscription", "notifier"]
Party = Literal[Service, "upstream", "dashboards", "operators", "tests"]
"""Who writes or reads a topic. `upstream`: order system, console and asset service."""

MAX_PUBLISHED_BYTES: Final = 16 * 1024 * 1024
"""Bytes that the relay sends at most in one request; a topic that takes less would stop it at a large record."""

_ACCOUNT: Final = "The account id."
_AS_RECEIVED: Final = "The key as it was received."
_THIRTY_DAYS: Final = timedelta(days=30)
_LONGER_THAN_DEAD_LETTERS: Final = timedelta(days=90)


class Form(Enum):
    """What the value of a record is."""

    EVENT = auto()
    """A CloudEvent: structured mode on the way out, structured or binary mode on the way in."""
    BARE_JSON = auto()
    """A JSON document without an envelope."""
    AS_RECEIVED = auto()
    """Any bytes, as they came in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic.

    `key`: what the Kafka key of its records is; None for records without a key.
    `contracts`: event type -> class of its data; empty where values are as received.
    `retention`: None leaves it to the broker; unused with `compacted`.
    `max_message_bytes`: None leaves it to the broker.
    `partitions`: None for `TENURE_TOPIC_PARTITIONS`.
    """

    name: str
    title: str
    summary: str
    key: str | None = _ACCOUNT
    contracts: Mapping[str, type[Any]] = field(default_factory=dict)
    form: Form = Form.EVENT
    writers: tuple[Party, ...]
    readers: tuple[Party, ...]
    retention: timedelta | None = None
    compacted: bool = False
    max_message_bytes: int | None = None
    partitions: int | None = None
    test_clock_only: bool = False

    @property
    def is_input(self) -> bool:
        """Whether it takes records from outside. Every other topic is written by our services alone."""
        return not set(self.writers) & set(get_args(Service))

    @property
    def is_sequenced(self) -> bool:
        """Whether its events carry `recordedat` and `sequence`: all events that our services write do."""
        return self.form is Form.EVENT and not self.is_input

    @property
    def configuration(self) -> Mapping[str, int | str]:
        """What the topic is created with beside the broker's defaults, by Kafka's names."""
        settings: dict[str, int | str] = {}
        if self.retention is not None:
            settings["retention.ms"] = self.retention // timedelta(milliseconds=1)
        if self.compacted:
            settings["cleanup.policy"] = "compact"
        if self.max_message_bytes is not None:
            settings["max.message.bytes"] = self.max_message_bytes
        return settings


TOPICS: Final[Mapping[str, Topic]] = {
    topic.name: topic
    for topic in (
        Topic(
            name=PURCHASES,
            title="Purchases",
            summary="Orders, credits, contacts and coupons of the order system.",
            contracts=PURCHASE_EVENTS,
            writers=("upstream",),
            readers=("subscription",),
        ),
        Topic(
            name=RENEWALS,
            title="Renewals",
            summary="Renewals, changes and auto-renewal, from the order system and the console.",
            contracts=RENEWAL_EVENTS,
            writers=("upstream",),
            readers=("subscription",),
        ),
        Topic(
            name=SERVER_INVENTORY,
            title="Server inventory",
            summary="Servers, capacity and configuration, from the asset service.",
            contracts=INVENTORY_EVENTS,
            writers=("upstream",),
            readers=("subscription",),
        ),
        Topic(
            name=LIFECYCLE,
            title="Subscription lifecycle",
            summary="What happened to each subscription, in order.",
            contracts=LIFECYCLE_EVENTS,
            writers=("subscription",),
            readers=("notifier", "dashboards"),
            retention=_THIRTY_DAYS,
        ),
        Topic(
            name=STATE,
            title="Subscription state",
            summary="The latest state document of each account.",
            contracts=STATE_DOCUMENTS,
            form=Form.BARE_JSON,
            writers=("subscription",),
            readers=("dashboards",),
            compacted=True,
            max_message_bytes=MAX_PUBLISHED_BYTES,
        ),
        Topic(
            name=DEAD_LETTERS,
            title="Dead letters",
            summary="What the subscription service could not read.",
            key=_AS_RECEIVED,
            form=Form.AS_RECEIVED,
            writers=("subscription",),
            readers=("operators",),
            retention=_THIRTY_DAYS,
            max_message_bytes=MAX_PUBLISHED_BYTES,
        ),
        Topic(
            name=OUTCOMES,
            title="Notification outcomes",
            summary="What became of each notification.",
            contracts=OUTCOME_EVENTS,
            writers=("notifier",),
            readers=("dashboards",),
        ),
        Topic(
            name=NOTIFICATION_DEAD_LETTERS,
            title="Notification dead letters",
            summary="What the notifier could not read.",
            key=_AS_RECEIVED,
            form=Form.AS_RECEIVED,
            writers=("notifier",),
            readers=("operators",),
            retention=_THIRTY_DAYS,
            max_message_bytes=MAX_PUBLISHED_BYTES,
        ),
        Topic(
            name=TEST_CLOCK,
            title="Test clock",
            summary="Moves the test clock; exists only with the test clock on.",
            key=None,
            contracts={CLOCK_ADVANCED: CLOCK_EVENTS[CLOCK_ADVANCED]},
            writers=("tests",),
            readers=("subscription",),
            partitions=1,
            test_clock_only=True,
        ),
        Topic(
            name=TEST_CLOCK_SETTLED,
            title="Test clock settled",
            summary="Says that a service has done everything that was due after an advance of the test clock;"
            " exists only with the test clock on.",
            key="The service's name.",
            contracts={CLOCK_SETTLED: CLOCK_EVENTS[CLOCK_SETTLED]},
            writers=("subscription", "notifier"),
            readers=("notifier", "tests"),
            # One for each service: a service's name decides its partition, so each partition has one writer.
            partitions=2,
            test_clock_only=True,
        ),
    )
}
"""Logical name -> topic."""

OPERATORS_TOPIC: Final = Topic(
    name=DEAD_LETTERS_HANDLED,
    title="Handled dead letters",
    summary="Which dead letters `tenure dead-letters replay` has sent again; made by the first replay.",
    key="The dead letter's name.",
    form=Form.BARE_JSON,
    writers=("operators",),
    readers=("operators",),
    retention=_LONGER_THAN_DEAD_LETTERS,
    partitions=1,
)
"""The one topic that no service reads or writes, and that therefore none needs at its start."""

TOPIC_OF_TYPE: Final[Mapping[str, str]] = {
    name: topic.name for topic in TOPICS.values() if topic.is_input for name in topic.contracts
}
"""Event type -> the input topic that it belongs on."""


def document_name(topic: Topic, event_type: str) -> str:
    """The name of a type's schema and examples: the type, and with `.out` where it is also the type of an event in."""
    both_ways = not topic.is_input and event_type in TOPIC_OF_TYPE
    return f"{event_type}.out" if both_ways else event_type


def read_by(service: Service) -> Mapping[str, Mapping[str, type[Any]]]:
    """Topic -> event type -> contract, for the topics that a service reads."""
    return {topic.name: topic.contracts for topic in TOPICS.values() if service in topic.readers}


def written_by(service: Service) -> Mapping[str, Mapping[str, type[Any]]]:
    """Topic -> event type -> contract, for the topics that a service writes."""
    return {topic.name: topic.contracts for topic in TOPICS.values() if service in topic.writers}
