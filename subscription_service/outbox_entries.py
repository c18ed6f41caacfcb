"""From the core's events and accounts to entries of the log. Pure."""

from datetime import datetime
from hashlib import blake2b
from typing import NamedTuple

import orjson

from shared.contracts.envelope import encode, to_json, wire_time
from shared.contracts.lifecycle import (
    LIFECYCLE_TYPE,
    Actor,
    AutoRenewalFailed,
    LifecycleData,
    QuotaExceeded,
    QuotaRestored,
    RenewalMethod,
    Renewed,
)
from shared.contracts.state import Overview
from shared.kafka.topics import LIFECYCLE, STATE
from shared.outbox.log import Entry
from subscription_service.domain.model import Account
from subscription_service.domain.timers import Timer
from subscription_service.handlers import Incoming

SOURCE = "/tenure/subscription"


class EmittedEvent(NamedTuple):
    """One lifecycle event with what stands around it; `account` is the state after the whole step."""

    account: Account
    version: int
    data: LifecycleData
    at: datetime
    cause: Incoming | Timer

    @property
    def account_id(self) -> str:
        return self.account.account_id


def lifecycle_entry(said: EmittedEvent, partition: int, now: datetime) -> Entry:
    """The CloudEvent of `said`; its id follows from account and version, so it is the same whenever it is made."""
    account_id = said.account_id
    attributes = {
        "id": event_id(account_id, said.version),
        "source": SOURCE,
        "type": LIFECYCLE_TYPE[type(said.data)],
        "time": wire_time(said.at),
        "subject": account_id,
        "recordedat": wire_time(now),
    }
    traceparent = said.cause.event.traceparent if isinstance(said.cause, Incoming) else None
    if traceparent:
        attributes["traceparent"] = traceparent
    return Entry(
        topic=LIFECYCLE,
        partition=partition,
        key=account_id.encode(),
        value=encode(attributes, _data(said)),
        headers=(("traceparent", traceparent.encode()),) if traceparent else (),
        account_id=account_id,
    )


def state_entry(document: Overview, partition: int) -> Entry:
    """An account's overview, bare JSON."""
    key = document.account_id.encode()
    return Entry(topic=STATE, partition=partition, key=key, value=to_json(document), enveloped=False)


def event_id(account_id: str, version: int) -> str:
    """The id of an account's lifecycle event."""
    return "lce-" + blake2b(f"{account_id} {version}".encode(), digest_size=16).hexdigest()


def _data(said: EmittedEvent) -> bytes:
    subscription = said.account.subscription
    stamp = orjson.dumps(
        {
            "account_id": said.account_id,
            "subscription_id": subscription.subscription_id if subscription else None,
            "version": said.version,
            "cause": _cause(said.cause),
            "actor": _actor(said),
        }
    )
    own = to_json(said.data)
    return stamp if own == b"{}" else stamp[:-1] + b"," + own[1:]


def _cause(cause: Incoming | Timer) -> dict[str, str]:
    if isinstance(cause, Incoming):
        return {"type": cause.event.type, "id": cause.event.id}
    return {"type": "timer", "id": f"{cause.kind}-{cause.at:%Y%m%dT%H%M%SZ}"}


def _actor(said: EmittedEvent) -> Actor:
    """The system acts by timers and by watching quotas and balances; everything else a user asked for."""
    match said.data:
        case QuotaExceeded() | QuotaRestored() | AutoRenewalFailed() | Renewed(method=RenewalMethod.AUTOMATIC):
            return Actor.SYSTEM
    return Actor.SYSTEM if isinstance(said.cause, Timer) else Actor.USER
