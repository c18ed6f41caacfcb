"""The notifier's own parts, joined; what it shares with the other service comes from outside. Only `app` calls this."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier_service import api, deliver, presence, reach
from notifier_service.apply import Apply
from notifier_service.deliver import Deliverer, Means
from notifier_service.figures import delivery_seconds
from notifier_service.inbox import api as inbox_api
from notifier_service.inbox.api import Desk
from notifier_service.inbox.stream import Streams
from notifier_service.letterbox import Letterbox
from notifier_service.presence import Presence
from notifier_service.signals import Signal
from notifier_service.smtp import MailRelay
from shared.clock import Clock
from shared.health import Health
from shared.settings import Settings
from shared.topics import OUTCOMES

HEALTH: Final = (presence.PART, deliver.PART, reach.PART)
"""The parts whose being well makes a copy ready, besides those of the spine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spine:
    """What every service has. `partitions`: logical output topic -> its number of them."""

    settings: Settings
    schema: str
    engine: AsyncEngine
    clock: Clock
    health: Health
    partitions: Mapping[str, int]
    registry: CollectorRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    apply: Apply
    presence: Presence
    deliverer: Deliverer
    streams: Streams
    desk: Desk

    @property
    def duties(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """What each copy does for ever, besides reading Kafka."""
        return (self.presence.run, self.deliverer.run, self.streams.run)

    async def settle(self) -> None:
        """For the clock's barrier: returns when every delivery that is due has been made."""
        await self.deliverer.settle_deliveries()

    async def stop(self) -> None:
        """Before the duties are cancelled: end the streams, and let mails under way arrive."""
        self.streams.close()
        await self.deliverer.stop()

    def serve(self, http: FastAPI) -> None:
        """Add the notifier's routes to the HTTP that both services have."""
        http.state.desk = self.desk
        http.include_router(inbox_api.router)
        http.include_router(api.router)


def build(spine: Spine) -> Parts:
    """Make them; nothing runs yet. Raises `BadSettings`."""
    settings, health = spine.settings, spine.health
    here = Presence(url=settings.database_url.get_secret_value(), schema=spine.schema, health=health)
    streams = Streams(spine.engine, health, changed=here.heard[Signal.INBOX])
    means = Means(
        engine=spine.engine,
        clock=spine.clock,
        presence=here,
        letterbox=Letterbox(settings),
        relay=MailRelay(settings),
        health=health,
        partitions=spine.partitions[OUTCOMES],
        took=delivery_seconds(spine.registry),
    )
    return Parts(
        apply=Apply(settings=settings, clock=spine.clock, partitions=spine.partitions),
        presence=here,
        deliverer=Deliverer(means),
        streams=streams,
        desk=Desk(engine=spine.engine, clock=spine.clock, streams=streams, partitions=spine.partitions[OUTCOMES]),
    )
