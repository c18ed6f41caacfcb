"""The files in `examples/`: each is valid by its contract, and in the order of their table none is refused."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from shared.contracts.envelope import wire_time
from shared.contracts.inbound import INBOUND_EVENTS
from shared.contracts.lifecycle import Activated, LifecycleData, Renewed
from shared.contracts.lifecycle_acts import Imported
from shared.contracts.topics import TOPIC_OF_TYPE
from shared.storage.event_counts import EventOutcome
from subscription_service.domain.model import Account
from subscription_service.handlers import Incoming, read
from subscription_service.unit_of_work import LockedAccount
from tests.kit.cases import cases
from tests.kit.records import kafka_record
from tests.unit.domain.scenario import RULES
from tests.unit.subscription.single_account import unit_of_work

FOLDER = Path(__file__).parents[2] / "examples"
ROWS = re.findall(
    r"^\| \[([\w-]+\.json)\]\(\1\) \| `([\w.]+)` \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE
)
FILES = [file for file, _ in ROWS]
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
WITHOUT_AN_EVENT_OUT = {
    *(
        "credit.json",
        "coupon.json",
        "debit.json",
        "coupon-revoked.json",
        "server-registered.json",
        "server-resized.json",
        "inventory-snapshot.json",
    ),
    *("capacity-used.json", "configuration-recorded.json", "configuration-removed.json"),
    *("server-unbound.json", "server-bound.json", "server-released.json"),
}
"""They change the account, and nobody is told of it."""


def incoming(file: str, time: datetime) -> Incoming:
    """The event of the file as the subscription service reads it, with the `time` that `tenure publish` fills in."""
    event = {"time": wire_time(time), **json.loads((FOLDER / file).read_bytes())}
    topic = TOPIC_OF_TYPE[event["type"]]
    record = kafka_record(topic, json.dumps(event).encode())
    return read(record, topic, currency=RULES.catalog.currency, zone=RULES.policy.billing_zone)


def test_the_table_names_every_file_and_every_type_once() -> None:
    assert sorted(FILES) == sorted(path.name for path in FOLDER.glob("*.json"))
    assert sorted(name for _, name in ROWS) == sorted(INBOUND_EVENTS)


@cases(("file", "type_name"), ROWS)
def test_every_example_is_read_by_its_contract_and_has_the_type_of_its_row(file: str, type_name: str) -> None:
    assert incoming(file, NOW).event.type == type_name
    assert "time" not in json.loads((FOLDER / file).read_bytes())


def test_in_the_order_of_the_table_no_example_is_refused_nor_waits() -> None:
    locked = [_new(account_id) for account_id in ("acct-1001", "acct-2001")]
    counts: Counter[EventOutcome] = Counter()
    told: dict[str, list[LifecycleData]] = {}
    for number, file in enumerate(FILES):
        now = NOW + timedelta(seconds=number)
        begun = unit_of_work(now, *locked)
        assert len(list(begun.handle([incoming(file, now)]))) == 1
        counts.update({outcome: count for (_, outcome), count in begun.event_counts.items()})
        told[file] = [event.data for event in begun.emitted]
    assert counts == {EventOutcome.APPLIED: len(FILES)}
    assert {file for file, events in told.items() if not events} == WITHOUT_AN_EVENT_OUT
    assert isinstance(told["purchase.json"][0], Activated)
    assert isinstance(told["renewal.json"][0], Renewed)
    assert isinstance(told["import.json"][0], Imported)


def _new(account_id: str) -> LockedAccount:
    account = Account(account_id=account_id)
    return LockedAccount(account, account, partition=0, revision=0)
