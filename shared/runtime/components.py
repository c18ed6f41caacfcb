"""What a running service is made of: the base that both have, and the parts that distinguish one from the other."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI

from shared.kafka.inputs import Inputs
from shared.kafka.intake import BatchProcessor
from shared.runtime.health import Health
from shared.runtime.settings import Settings
from shared.storage.database import Engine
from shared.testclock.clock import Clock

Task = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """What a service's own parts are made of; `partitions`: logical topic -> number of them, known after start."""

    settings: Settings
    engine: Engine
    health: Health
    clock: Clock
    inputs: Inputs
    partitions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceComponents:
    """A service's own parts. `settle` does all that is due at the clock's time; `tasks` run until the stop."""

    batch_processor: BatchProcessor
    settle: Task
    tasks: Sequence[Task]
    stop: Task | None = None


class Service(Protocol):
    """What distinguishes one service from the other; topics are logical names."""

    @property
    def name(self) -> str: ...

    @property
    def reads(self) -> Sequence[str]: ...

    @property
    def writes(self) -> Sequence[str]: ...

    @property
    def awaited(self) -> Sequence[str]:
        """Parts of `Health` that must be well besides the spine's."""

    @property
    def migrations(self) -> Path: ...

    def http(self, context: ServiceContext) -> FastAPI:
        """The HTTP app; made before anything else is there."""

    def components(self, context: ServiceContext) -> ServiceComponents:
        """Made once database and topics are there."""
