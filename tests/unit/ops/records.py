"""Records of the topics that the operations page reads, made from the contract's examples."""

import json
from pathlib import Path
from typing import Any

from shared.kafka.record import Record
from shared.runtime.settings import Settings
from subscription_service.policy_files.rules import load_rules
from tenure.ops.model import Model
from tenure.ops.renewals import Estimates
from tests.kit.records import Headers, kafka_record

EXAMPLES = Path("shared/contracts/examples")
NOW_MS = 1_798_000_000_000
ESTIMATES = Estimates(load_rules(Settings()))


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return document


def state(account_id: str, revision: int = 1, **changes: Any) -> dict[str, Any]:
    """A state document: the example with these changes."""
    return {**example("tenure.subscription.state"), "account_id": account_id, "revision": revision, **changes}


def lifecycle(kind: str, account_id: str, version: int = 1, **data: Any) -> dict[str, Any]:
    """A lifecycle event: the example of its kind with these changes of its data."""
    event = example(f"tenure.subscription.{kind}.v1")
    event["id"] = f"{account_id}:{version}"
    event["data"] = {**event["data"], "account_id": account_id, "version": version, **data}
    return event


def outcome(kind: str, account_id: str, **data: Any) -> dict[str, Any]:
    """An outcome: the example of its kind with these changes of its data."""
    event = example(f"tenure.notification.{kind}.v1")
    event["data"] = {**event["data"], "account_id": account_id, **data}
    return event


class Topics:
    """Gives records to a model as their topics would, with offsets that rise."""

    def __init__(self, model: Model | None = None) -> None:
        self.model = model or Model.empty(ESTIMATES)
        self._offsets: dict[str, int] = {}

    def put(
        self,
        topic: str,
        value: dict[str, Any] | bytes | None,
        *,
        key: str = "",
        headers: Headers = (),
        at_ms: int = NOW_MS,
    ) -> Record:
        """One record; JSON unless it is bytes."""
        content = json.dumps(value).encode() if isinstance(value, dict) else value
        offset = self._offsets.get(topic, 0)
        self._offsets[topic] = offset + 2  # as behind a transaction's marker
        record = kafka_record(topic, content, offset=offset, key=key.encode(), headers=headers)
        record.timestamp = at_ms
        self.model.apply(topic, record, NOW_MS)
        return record
