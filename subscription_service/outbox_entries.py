"""Entries of the log (the outbox): lifecycle events as CloudEvents. Pure.

`unit_of_work` calls this for all that a transaction emits; `shared.outbox.log` stores it, the relay publishes it.
"""

from datetime import datetime
from hashlib import blake2b
from typing import Final

import msgspec
import orjson

from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.lifecycle import LIFECYCLE_TYPE, LifecycleData, QuotaExceeded, QuotaRestored, Renewed
from shared.contracts.lifecycle_auto_renewal import AutoRenewalFailed
from shared.contracts.lifecycle_parts import Actor, RenewalMethod
from shared.contracts.topics import LIFECYCLE
from shared.outbox.log import Entry
from subscription_service.domain.model import Account
from subscription_service.domain.timers import Timer
from subscription_service.handlers import Incoming

SOURCE = "/tenure/subscription"
"""The CloudEvents `source` of all lifecycle events."""
_BY_THE_SYSTEM: Final = QuotaExceeded | QuotaRestored | AutoRenewalFailed


class EmittedEvent(msgspec.Struct, frozen=True):
    """One lifecycle event with what its envelope needs.

    `account`: after the whole step that emitted it. `version`: the event's number in the account, from 1. `at`: the
    instant of the decision (UTC). `cause`: the event in or the timer that led to it.
    """

    account: Account
    version: int
    data: LifecycleData
    at: datetime
    cause: Incoming | Timer

    @property
    def account_id(self) -> str:
        return self.account.account_id


def lifecycle_entry(event: EmittedEvent, partition: int, now: datetime) -> Entry:
    """The CloudEvent of a lifecycle event. `now`: the service clock (UTC), for `recordedat`."""
    account_id = event.account_id
    attributes = {
        "id": event_id(account_id, event.version),
        "source": SOURCE,
        "type": LIFECYCLE_TYPE[type(event.data)],
        "time": wire_time(event.at),
        "subject": account_id,
        "recordedat": wire_time(now),
    }
    traceparent = event.cause.event.traceparent if isinstance(event.cause, Incoming) else None
    if traceparent:
        attributes["traceparent"] = traceparent
    return Entry(
        topic=LIFECYCLE,
        partition=partition,
        key=account_id.encode(),
        value=encode(attributes, _data(event)),
        headers=(("traceparent", traceparent.encode()),) if traceparent else (),
        account_id=account_id,
    )


def event_id(account_id: str, version: int) -> str:
    """The CloudEvents `id`, made from account and version: a replay makes the same one."""
    return "lce-" + blake2b(f"{account_id} {version}".encode(), digest_size=16).hexdigest()


def _data(event: EmittedEvent) -> bytes:
    subscription = event.account.subscription
    metadata = orjson.dumps(
        {
            "account_id": event.account_id,
            "subscription_id": subscription.subscription_id if subscription else None,
            "version": event.version,
            "cause": _cause(event.cause),
            "actor": _actor(event),
        }
    )
    own = to_json(event.data)
    # One object out of two, without reading either again.
    return metadata if own == b"{}" else metadata[:-1] + b"," + own[1:]


def _cause(cause: Incoming | Timer) -> dict[str, str]:
    if isinstance(cause, Incoming):
        return {"type": cause.event.type, "id": cause.event.id}
    return {"type": "timer", "id": f"{cause.kind}-{cause.at:%Y%m%dT%H%M%SZ}"}


def _actor(event: EmittedEvent) -> Actor:
    """The system where a timer, a quota, a balance or an import led to the event; an operator where an act did; else a
    user.
    """
    data = event.data
    if isinstance(event.cause, Timer) or event.cause.is_import or isinstance(data, _BY_THE_SYSTEM):
        return Actor.SYSTEM
    if isinstance(data, Renewed) and data.method is RenewalMethod.AUTOMATIC:
        return Actor.SYSTEM
    return Actor.OPERATOR if event.cause.is_act else Actor.USER
