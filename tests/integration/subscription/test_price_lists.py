"""Price lists with a date on real parts: order list, audit, the quote over HTTP, and what stops a start (R50)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from shared.runtime.settings import Settings
from subscription_service.policy_files import catalog
from subscription_service.storage import orders
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Core
from tests.integration.subscription.fresh_core import core_with
from tests.integration.subscription.serving import serving
from tests.integration.subscription.test_extending import at
from tests.integration.subscription.test_starting import _checked as checked
from tests.integration.subscription.test_starting import _kept as kept
from tests.integration.subscription.test_starting import _refusal as refusal
from tests.kit.events import START, account, purchase
from tests.unit.domain.price_lists import dated, dated_table
from tests.unit.domain.scenario import ACCOUNT, change, credit, renewal, specification, when
from tests.unit.domain.scenario import purchase as ordered

pytestmark = pytest.mark.rule("R50")

DEARER: Final = dated(("2026-02-01", 2))
BEGINS: Final = datetime(2026, 1, 31, 16, tzinfo=UTC)
"""00:00 on 1 February in the billing zone."""


@pytest.fixture(scope="module")
def core(postgres: Postgres) -> Iterator[Core]:
    with core_with(DEARER, postgres) as made:
        yield made


def test_orders_keep_the_version_that_priced_them_and_the_audit_prices_them_by_it(core: Core) -> None:
    core.begin()
    bigger = change(specification(servers=11, cores=40), "c-1")
    core.receive(
        at("2026-01-15 09:00", ordered(months=1, auto_renewal=True), first=0),
        at("2026-01-16 09:00", credit("2000.00"), first=10),
        at("2026-01-31 23:59:59", bigger, first=20),
    )
    core.run_due(when("2026-02-06 08:00"))
    core.receive(at("2026-02-07 09:00", renewal("r-1", months=1), first=30))
    found = {entry.order_id: entry for entry in core.reading(lambda each: orders.of_account(each, ACCOUNT))}
    priced = [(entry.fee, entry.catalog_version) for entry in found.values() if entry.order_id != "c-1"]
    month = Decimal("298.50")
    assert priced == [(Decimal("275.00"), "2026-11"), (2 * month, "2x"), (2 * month, "2x")]
    assert found["c-1"].catalog_version == "2026-11"
    assert core.differences() == []


def lists(folder: Path, *tables: str) -> Path:
    """The default catalog with these dated lists."""
    folder.mkdir(exist_ok=True)
    path = folder / "catalog.toml"
    path.write_text("\n".join([catalog.DEFAULT.read_text("utf-8"), *tables]), "utf-8")
    return path


def with_catalog(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"catalog_file": path})


DEARER_TABLE: Final = dated_table("2026-02-01").replace('"23.5"', '"47"')
"""Servers of the Enterprise edition cost twice as much."""


async def test_a_quote_follows_the_clock_into_the_next_list(settings: Settings, tmp_path: Path) -> None:
    who = account()
    async with serving(with_catalog(settings, lists(tmp_path, DEARER_TABLE))) as world:
        await world.publish(purchase(who))
        await world.settle(BEGINS - timedelta(seconds=1))
        assert (await world.get(f"{who}/quote"))["fee"] == "47.00"
        await world.settle(BEGINS)
        assert (await world.get(f"{who}/quote"))["fee"] == "94.00"
        assert (await world.get(f"{who}/orders"))["orders"][0]["fee"] == "47.00"


async def test_a_list_ahead_may_come_and_change_and_one_that_was_in_force_stops_the_start(
    settings: Settings, tmp_path: Path
) -> None:
    async with serving(settings):
        pass
    announced = with_catalog(settings, lists(tmp_path / "a", dated_table("2026-02-01")))
    async with serving(announced) as world:
        assert world.now == START
    corrected = with_catalog(settings, lists(tmp_path / "b", DEARER_TABLE))
    async with serving(corrected) as world:
        await world.settle(BEGINS)
    changes = [words.splitlines() for words, _ in await kept(settings)]
    assert changes[1] == ["catalog.price_lists.2026-02-01.version: none -> list of 2026-02-01"]
    assert changes[2] == [
        f"catalog.price_lists.2026-02-01.editions.{name}.server_price: 23.5 -> 47"
        for name in ("enterprise", "ultimate")
    ]
    for other in (announced, settings.model_copy(update={"accept_policy_change": "yes"})):
        refused = await refusal(other)
        assert refused.startswith("A price list that was in force may not be altered (catalog.price_lists.2026-02-01.")
        assert refused.endswith("whose valid_from is later than today, 2026-02-01.")
    async with serving(corrected):
        assert len(await kept(settings)) == 3


async def test_the_check_says_that_a_list_in_force_would_be_altered(settings: Settings, tmp_path: Path) -> None:
    async with serving(settings):
        pass
    file = lists(tmp_path)
    file.write_text(file.read_text("utf-8").replace('server_price = "9.5"', 'server_price = "10"'), "utf-8")
    code, told = await checked(settings, "--catalog", str(file))
    assert code == 1
    assert "the next start stops: A price list that was in force may not be altered" in told
    assert "TENURE_ACCEPT_POLICY_CHANGE" not in told
