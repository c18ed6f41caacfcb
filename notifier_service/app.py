"""The notifier's wiring: the only module that knows all of its parts. Only `__main__` imports it."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from notifier_service.batch import NotifierBatchProcessor
from notifier_service.content.mail_composer import MailComposer
from notifier_service.delivery import circuit_breaker, process_session
from notifier_service.delivery.process_session import ProcessSession
from notifier_service.delivery.sender import Deliverer, DeliveryDependencies
from notifier_service.delivery.smtp import MailRelay
from notifier_service.handlers import READS, SERVICE, WRITES
from notifier_service.http import api
from notifier_service.inbox import api as inbox
from notifier_service.inbox.api import InboxDependencies
from notifier_service.inbox.stream import Streams
from notifier_service.storage.metrics import delivery_seconds, notifications
from notifier_service.storage.signals import Signal
from shared.contracts import asyncapi
from shared.contracts.topics import OUTCOMES
from shared.runtime.components import ServiceComponents, ServiceContext
from shared.runtime.metrics import Metrics, intake_lag, process_status
from shared.runtime.service import VERSION, schema_of
from shared.runtime.settings import Settings
from shared.web.auth import Guard
from shared.web.http import Edge, build_http


class Notifier:
    """A `shared.runtime.service.Service`. Raises `BadSettings` when made with settings that cannot work."""

    name = SERVICE
    reads: Sequence[str] = tuple(READS)
    writes: Sequence[str] = tuple(WRITES)
    awaited: Sequence[str] = (process_session.PART, circuit_breaker.PART)
    migrations = Path(__file__).parent / "migrations"

    def __init__(self, settings: Settings) -> None:
        self._guard = Guard(settings)
        self._relay = MailRelay(settings)
        self._mail_composer = MailComposer(settings)

    def http(self, context: ServiceContext) -> FastAPI:
        """Its HTTP: the common pages, the inbox, the operators' view."""
        process_collectors = [
            intake_lag(context.health),
            process_status(context.health, test_clock=context.settings.test_clock is not None),
        ]
        self._metrics = Metrics(
            context.engine, database_collectors=[notifications], process_collectors=process_collectors
        )
        edge = Edge(
            service=self.name,
            version=VERSION,
            settings=context.settings,
            engine=context.engine,
            health=context.health,
            guard=self._guard,
            metrics=self._metrics.exposition,
            asyncapi=asyncapi.document(
                SERVICE,
                topic_prefix=context.settings.topic_prefix,
                test_clock=context.settings.test_clock is not None,
                version=VERSION,
            ),
        )
        self._http = build_http(edge)
        self._http.include_router(inbox.router)
        self._http.include_router(api.router)
        return self._http

    def components(self, context: ServiceContext) -> ServiceComponents:
        """What runs; from now on the inbox answers."""
        here = self._process_session(context)
        streams = Streams(context.engine, context.health, changed=here.heard[Signal.INBOX])
        deliverer = Deliverer(self._delivery_dependencies(context, here))
        partitions = context.partitions[OUTCOMES]
        self._http.state.inbox_dependencies = InboxDependencies(
            engine=context.engine, clock=context.clock, streams=streams, partitions=partitions
        )

        return ServiceComponents(
            batch_processor=NotifierBatchProcessor(
                settings=context.settings, clock=context.clock, partitions=context.partitions
            ),
            settle=deliverer.settle_deliveries,
            tasks=(deliverer.run, streams.run),
        )

    def _process_session(self, context: ServiceContext) -> ProcessSession:
        url = context.settings.database_url.get_secret_value()
        return ProcessSession(url=url, schema=schema_of(self.name, context.settings), health=context.health)

    def _delivery_dependencies(self, context: ServiceContext, here: ProcessSession) -> DeliveryDependencies:
        return DeliveryDependencies(
            engine=context.engine,
            clock=context.clock,
            process_session=here,
            mail_composer=self._mail_composer,
            relay=self._relay,
            health=context.health,
            partitions=context.partitions[OUTCOMES],
            took=delivery_seconds(self._metrics.registry),
        )
