"""Migrations of tables that hold something: nothing is lost, and what was stored before goes on."""

import runpy
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

import subscription_service
from shared.contracts.topics import PURCHASES, RENEWALS, SERVER_INVENTORY
from tests.integration.subscription.core import WRITTEN_TO, Batch, Core, record
from tests.kit.events import START, account, credit, event, purchase, renewal

LATER: Final = START + timedelta(seconds=1)
VERSIONS: Final = Path(subscription_service.__file__).parent / "migrations" / "versions"


@pytest.mark.rule("G1")
def test_all_of_an_account_is_the_same_after_its_table_was_written_anew(core: Core) -> None:
    who, late = account(), account()
    snapshot = event("inventory.snapshot", START, account_id=who, servers=[{"server_id": "s-1", "cores": 2}])
    core.begin()
    bought = [record(PURCHASES, purchase(who)), record(PURCHASES, credit(who, "5.00"))]
    core.receive(Batch(START, [*bought, record(SERVER_INVENTORY, snapshot), record(RENEWALS, renewal(late, START))]))
    before = sorted(core.stored()["account"])
    core.migrated(*runpy.run_path(str(VERSIONS / "0018_account_columns_by_change.py"))["STATEMENTS"])
    assert sorted(core.stored()["account"]) == before
    assert before
    core.receive(Batch(LATER, [record(RENEWALS, renewal(who, LATER)), record(PURCHASES, purchase(late))]))
    assert core.differences() == []


@pytest.mark.rule("G1", "G4")
def test_a_copy_goes_on_when_a_newer_one_has_added_a_column_to_every_table(core: Core) -> None:
    who, late = account(), account()
    core.begin()
    core.receive(Batch(START, [record(PURCHASES, purchase(who)), record(PURCHASES, credit(who, "5.00"))]))
    core.migrated(*(f"ALTER TABLE {table} ADD COLUMN of_a_newer_copy text" for table in WRITTEN_TO))
    tag = event("configuration.recorded", LATER, account_id=who, kind="tag", key="k", value=1)
    server = event("server.registered", LATER, account_id=who, server_id="s-1", cores=2)
    coupon = {"coupon_id": "c-1", "amount_off": "1.00", "minimum_spend": "0.00"}
    dates = {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    issued = event("coupon.issued", LATER, account_id=who, **coupon, **dates)
    events = [
        *(record(PURCHASES, one) for one in (credit(who, "1.00"), issued)),
        *(record(SERVER_INVENTORY, one) for one in (tag, server)),
        *(record(RENEWALS, one) for one in (renewal(who, LATER), renewal(late, LATER))),
    ]
    core.receive(Batch(LATER, events))
    assert core.counted() == {"parked": 1, "applied": 7}
    assert core.differences() == []
