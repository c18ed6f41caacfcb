"""What a service is for the runtime: a description as data, what it is built from, and what it is built into.

`Service.build` is called once, before database and topics are reachable, and makes everything in one function. Only
partition counts are known later: `ServiceContext.partitions` is filled when the preparation is done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI

from shared.contracts.topics import Service as ServiceName
from shared.kafka.batch_applier import BatchProcessor
from shared.kafka.input_topics import InputTopics
from shared.kafka.partitioning import PartitionCounts
from shared.outbox.documents import Documents
from shared.runtime.health import Health
from shared.runtime.latency import DecisionLatency
from shared.runtime.settings import Settings
from shared.runtime.tasks import Operation
from shared.storage.database import Engine
from shared.testclock.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """What a service is built from. `name`: the service's; `schema`: the PostgreSQL schema of its tables.

    There are two pools of database connections, since a connection belongs to one event loop: `http_engine` is HTTP's.
    """

    name: ServiceName
    settings: Settings
    schema: str
    engine: Engine
    http_engine: Engine
    health: Health
    clock: Clock
    inputs: InputTopics
    partitions: PartitionCounts = field(default_factory=PartitionCounts)
    decision_latency: DecisionLatency = field(default_factory=DecisionLatency)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceComponents:
    """What the runtime runs.

    `http` is served from the start, in an event loop of its own, where each of `http_tasks` runs beside it until it is
    cancelled. Once database and topics are prepared, `batch_processor` gets what is read from
    Kafka, and each of `tasks` runs until it is cancelled. `settle_due` is for the test clock's barrier: it does all
    that is due at the clock's time and returns when nothing is left. `preparations` run once, before anything is read,
    as soon as there are tables. `beside_intake` run in a copy without the role `intake`, in place of all that, until
    they are cancelled. `documents`: topic -> what makes its documents, where the log holds their changes only.
    `rules`: what the log says at the start of what it decides by: fields of `STARTED`.
    """

    http: FastAPI
    http_tasks: Sequence[Operation] = ()
    batch_processor: BatchProcessor
    settle_due: Operation
    tasks: Sequence[Operation]
    preparations: Sequence[Operation] = ()
    beside_intake: Sequence[Operation] = ()
    documents: Mapping[str, Documents] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What distinguishes one service from the other.

    The topics that it reads and writes stand under its name in the topic registry. `health_components`: those that
    must be ready besides the runtime's own. `migrations`: folder of Alembic's scripts. `build` raises `BadSettings`
    for settings that cannot work.
    """

    name: ServiceName
    health_components: Sequence[str]
    migrations: Path
    build: Callable[[ServiceContext], ServiceComponents]
