"""The notifier, joined: the only place that knows all of its parts. `shared.service` runs it; nobody imports this."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from notifier_service import api, presence, reach
from notifier_service.apply import Apply
from notifier_service.deliver import Deliverer, Means
from notifier_service.figures import delivery_seconds, notifications
from notifier_service.handlers import READS, SERVICE, WRITES
from notifier_service.inbox import api as inbox
from notifier_service.inbox.api import Desk
from notifier_service.inbox.stream import Streams
from notifier_service.letterbox import Letterbox
from notifier_service.presence import Presence
from notifier_service.signals import Signal
from notifier_service.smtp import MailRelay
from shared.auth import Guard
from shared.contracts import asyncapi
from shared.http import Edge, build_http
from shared.metrics import Metrics, intake_lag, standing
from shared.service import VERSION, schema_of
from shared.settings import Settings
from shared.spine import Base, Parts
from shared.topics import OUTCOMES


class Notifier:
    """A `shared.service.Service`. Raises `BadSettings` when made with settings that cannot work."""

    name = SERVICE
    reads: Sequence[str] = tuple(READS)
    writes: Sequence[str] = tuple(WRITES)
    awaited: Sequence[str] = (presence.PART, reach.PART)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, settings: Settings) -> None:
        self._guard = Guard(settings)
        self._relay = MailRelay(settings)
        self._letterbox = Letterbox(settings)

    def http(self, base: Base) -> FastAPI:
        """Its HTTP: the common pages, the inbox, the operators' view."""
        looks = [intake_lag(base.health), standing(base.health, test_clock=base.settings.test_clock is not None)]
        self._metrics = Metrics(base.engine, readings=[notifications], looks=looks)
        edge = Edge(
            service=self.name,
            version=VERSION,
            settings=base.settings,
            engine=base.engine,
            health=base.health,
            guard=self._guard,
            metrics=self._metrics.exposition,
            asyncapi=asyncapi.document(
                SERVICE,
                topic_prefix=base.settings.topic_prefix,
                test_clock=base.settings.test_clock is not None,
                version=VERSION,
            ),
        )
        self._http = build_http(edge)
        self._http.include_router(inbox.router)
        self._http.include_router(api.router)
        return self._http

    def parts(self, base: Base) -> Parts:
        """What runs; from now on the inbox answers."""
        here = self._presence(base)
        streams = Streams(base.engine, base.health, changed=here.heard[Signal.INBOX])
        deliverer = Deliverer(self._means(base, here))
        partitions = base.partitions[OUTCOMES]
        self._http.state.desk = Desk(engine=base.engine, clock=base.clock, streams=streams, partitions=partitions)

        return Parts(
            applier=Apply(settings=base.settings, clock=base.clock, partitions=base.partitions),
            settle=deliverer.settle_deliveries,
            tasks=(deliverer.run, streams.run),
        )

    def _presence(self, base: Base) -> Presence:
        url = base.settings.database_url.get_secret_value()
        return Presence(url=url, schema=schema_of(self.name, base.settings), health=base.health)

    def _means(self, base: Base, here: Presence) -> Means:
        return Means(
            engine=base.engine,
            clock=base.clock,
            presence=here,
            letterbox=self._letterbox,
            relay=self._relay,
            health=base.health,
            partitions=base.partitions[OUTCOMES],
            took=delivery_seconds(self._metrics.registry),
        )
