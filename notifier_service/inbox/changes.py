"""Hearing that inboxes have changed, from whichever copy stored or marked a message: LISTEN on a session of HTTP's own.

HTTP has an event loop of its own, and copies with the role `http` alone have no other session to hear it on.
"""

from functools import partial

from notifier_service.inbox.stream import COMPONENT, Streams
from notifier_service.storage.signals import Signal, channel
from shared.runtime.errors import Transient
from shared.runtime.health import Health
from shared.runtime.log_lines import SESSION_LOST
from shared.runtime.retry import retry_transient
from shared.storage.session import session_connection


async def watch_inboxes(url: str, schema: str, streams: Streams, health: Health) -> None:
    """Set `streams.changed` at each signal, and whenever one may have been missed; until cancelled."""
    while True:
        await retry_transient(partial(_listen, url, schema, streams, health), health=health, component=COMPONENT)


async def _listen(url: str, schema: str, streams: Streams, health: Health) -> None:
    """Returns when the session is lost. Raises `Transient` when none can be opened."""
    async with session_connection(url, schema) as session:
        await session.listen(channel(Signal.INBOX, schema), lambda _: streams.changed.set())
        health.mark_ready(COMPONENT)
        streams.changed.set()
        try:
            await session.keep()
        except Transient as lost:
            SESSION_LOST.say(of=COMPONENT, reason=str(lost))
