"""Notice before a charge on real parts: what it reads, in the log, in the timeline over HTTP, in the audit (R49)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from shared.runtime.settings import Settings
from subscription_service.policy_files import policy
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import Core
from tests.integration.subscription.fresh_core import core_with
from tests.integration.subscription.serving import serving
from tests.integration.subscription.test_extending import at
from tests.kit import events
from tests.unit.domain.acts import cancel
from tests.unit.domain.imports import import_of
from tests.unit.domain.price_lists import dated
from tests.unit.domain.scenario import coupon, credit, day, purchase, renewal, when

pytestmark = pytest.mark.rule("R49")

DUE: Final = "2026-01-30 10:00"
"""E = 15 February, first attempt 6 February 08:00."""


@pytest.fixture(scope="module")
def core(postgres: Postgres) -> Iterator[Core]:
    """Twice as dear from the day of the attempt on."""
    with core_with(dated(("2026-02-06", 2), charge_notice_days=(7,)), postgres) as made:
        yield made


def notices(core: Core) -> list[dict[str, Any]]:
    found = [orjson.loads(value) for value in core.published("subscription-lifecycle")]
    return [one["data"] for one in found if one["type"] == "tenure.subscription.renewal_upcoming.v1"]


def test_it_reads_the_last_order_s_fee_and_the_coupon_that_only_begins_on_the_attempt_s_day(core: Core) -> None:
    core.begin()
    that_day: dict[str, Any] = {"valid_from": day("2026-02-06"), "valid_until": day("2026-02-06")}
    core.receive(
        at("2026-01-15 09:00", purchase(auto_renewal=True), first=0),
        at("2026-01-16 09:00", credit("100.00"), first=10),
        at("2026-01-17 09:00", coupon(amount_off=Decimal("20.00"), percent_off=None, **that_day), first=20),
    )
    core.run_due(when(DUE))
    [notice] = notices(core)
    assert notice["actor"] == "system"
    assert notice["cause"] == {"type": "timer", "id": "renewal_upcoming-20260130T020000Z"}
    own = {name: value for name, value in notice.items() if name not in ("account_id", "subscription_id", "version")}
    assert {name: own[name] for name in own if name not in ("actor", "cause")} == {
        "expires_on": "2026-02-15",
        "attempt_at": "2026-02-06T00:00:00Z",
        "quote": {"months": 1, "fee": "550.00", "currency": "USD"},
        "previous_fee": "275.00",
        "discount": "20.00",
        "coupon_id": "k-1",
        "balance": "100.00",
        "shortfall": "430.00",
        "obstacles": [],
    }
    core.run_due(when("2026-02-06 08:00"))
    assert orjson.loads(core.published("subscription-lifecycle")[-1])["data"]["shortfall"] == "430.00"
    assert core.differences() == []


def test_after_a_renewal_was_taken_back_it_names_the_fee_of_the_order_before(core: Core) -> None:
    core.begin()
    core.receive(
        at("2026-01-15 09:00", purchase(auto_renewal=True), first=0),
        at("2026-01-16 09:00", renewal("r-1", months=2), first=10),
        at("2026-01-17 09:00", cancel("r-1"), first=20),
    )
    core.run_due(when(DUE))
    assert [notice["previous_fee"] for notice in notices(core)] == ["275.00"]


def test_of_an_imported_order_no_fee_is_known(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-20 12:00", import_of(cycle=1), first=0))
    core.run_due(when(DUE))
    assert [notice["previous_fee"] for notice in notices(core)] == [None]
    assert core.differences() == []


def test_what_was_due_in_a_downtime_comes_in_order_with_the_deduction(core: Core) -> None:
    core.begin()
    core.receive(at("2026-01-15 09:00", purchase(auto_renewal=True), first=0))
    core.run_due(when("2026-02-06 12:00"))
    kinds = [orjson.loads(value)["type"].split(".")[2] for value in core.published("subscription-lifecycle")]
    assert kinds == ["activated", "renewal_upcoming", "auto_renewal_failed"]


async def test_it_stands_in_the_timeline_with_the_last_order_s_fee_and_then_happens(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(policy.DEFAULT.read_text("utf-8").replace("notice_days = []", "notice_days = [7]"), "utf-8")
    who = events.account()
    async with serving(settings.model_copy(update={"policy_file": file})) as world:
        await world.publish(events.purchase(who, auto_renewal=True))
        await world.settle()
        foretold = (await world.get(f"{who}/timeline"))["entries"][0]
        assert (foretold["kind"], foretold["quote"]["fee"], foretold["shortfall"]) == (
            "renewal_upcoming",
            "47.00",
            "47.00",
        )
        assert (await world.get(who))["next_action"] == {"kind": "renewal_upcoming", "at": foretold["at"]}
        instant = datetime.fromisoformat(foretold["at"])
        await world.settle(instant - timedelta(seconds=1))
        assert await world.kinds(who) == ["activated"]
        await world.settle(instant)
        [_, notice] = await world.lifecycle(who)
        assert (notice["time"], notice["data"]["attempt_at"]) == (foretold["at"], foretold["attempt_at"])
        assert notice["data"]["previous_fee"] == "47.00"


async def test_what_a_new_policy_would_have_had_due_before_the_start_is_left_out(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(policy.DEFAULT.read_text("utf-8").replace("notice_days = []", "notice_days = [7, 1]"), "utf-8")
    who = events.account()
    async with serving(settings) as world:
        await world.publish(events.purchase(who, auto_renewal=True))
        await world.settle(datetime(2026, 1, 25, tzinfo=UTC))
    async with serving(settings.model_copy(update={"policy_file": file})) as world:
        await world.settle(datetime(2026, 1, 26, 2, tzinfo=UTC))
        assert await world.kinds(who) == ["activated", "renewal_upcoming"]
