"""Bindings that come before the registration of their servers, batch by batch in the database (R36, R37)."""

from datetime import timedelta

import orjson
import pytest

from shared.contracts.topics import LIFECYCLE, PURCHASES, SERVER_INVENTORY
from tests.integration.subscription.core import Batch, Core, record
from tests.kit.events import PARTIAL, START, account, event, purchase


def inventory(who: str, minute: int, *servers: str, kind: str = "bound") -> Batch:
    at, cores = START + timedelta(minutes=minute), {"cores": 1} if kind == "registered" else {}
    events = [event(f"server.{kind}", at, account_id=who, server_id=one, **cores) for one in servers]
    return Batch(at, [record(SERVER_INVENTORY, one) for one in events])


@pytest.mark.rule("R36", "R37")
def test_they_count_against_the_quota_until_they_end_and_once_registered(core: Core) -> None:
    who, other = account(), account()
    core.begin()
    bought = [purchase(one, specification=PARTIAL) for one in (who, other)]  # two servers each
    core.receive(Batch(START, [record(PURCHASES, one) for one in bought]))
    core.receive(inventory(who, 1, "s-1"), inventory(other, 1, "s-1"), inventory(who, 2, "s-2"))
    core.receive(inventory(who, 3, "s-3"), inventory(who, 4, "s-1", kind="unbound"), inventory(who, 5, "s-4"))
    core.receive(inventory(who, 6, "s-2", "s-3", "s-4", kind="registered"), inventory(who, 7, "s-1", "s-3"))
    refused = [one["data"] for one in map(orjson.loads, core.published(LIFECYCLE)) if "rejected" in one["type"]]
    assert [(one["code"], one["required"], one["offered"]) for one in refused] == [("quota_exhausted", 3, 2)] * 3
    servers = [row.strip("()").split(",") for row in core.stored()["server"]]
    assert [(row[0], row[1]) for row in servers if row[4] == "t"] == [(who, "s-2"), (who, "s-4"), (other, "s-1")]
    assert core.differences() == []
