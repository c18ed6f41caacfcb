"""The forecast on the real database and over HTTP is what then happens when time moves; who may ask, and how often."""

import asyncio
import csv
import io
import json
from collections import Counter
from datetime import date, datetime, timedelta
from os import getpid
from typing import Any, Final

import pytest

from shared.contracts.topics import LIFECYCLE, TOPIC_OF_TYPE
from shared.storage.database import connect
from subscription_service import forecasting
from subscription_service.domain.calendar import billing_day
from subscription_service.domain.forecast import ForecastDay
from subscription_service.forecasting import ForecastFailed, Job
from tenure.__main__ import main
from tenure.local.postgres import Postgres
from tests.integration.subscription.core import SCHEMA, Batch, Core, record
from tests.integration.subscription.serving import World
from tests.kit.events import START, account, credit, event, purchase
from tests.kit.parts import fresh_database
from tests.kit.settings import NOBODY
from tests.kit.tokens import bearer, operator
from tests.unit.domain.scenario import RULES

DAYS: Final = 60
ZONE: Final = RULES.policy.billing_zone
FULL: Final = {"edition": "advanced", "protection_mode": "full", "protected_servers": 2, "cores": 0, "value_added": {}}


def customers(at: datetime) -> list[dict[str, Any]]:
    """Events of accounts of many kinds: poor, rich, with a coupon, without quota, declined, switching to partial."""
    dates = {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    coupon = {"coupon_id": account(), "percent_off": 100, "minimum_spend": "0.00", **dates}
    partial = FULL | {"protection_mode": "partial", "protected_servers": 1}
    renewal = {"order_id": account(), "duration_months": 1, "specification": partial, "terms_accepted": True}
    poor, rich, lucky, small, switching, plain = (account() for _ in range(6))
    return [
        *(purchase(who, at, auto_renewal=True) for who in (poor, rich, lucky)),
        credit(rich, "60.00"),
        event("coupon.issued", at, account_id=lucky, **coupon),
        *(event("server.registered", at, account_id=small, server_id=f"s-{each}", cores=2) for each in range(2)),
        purchase(small, at, specification=FULL),
        event("server.registered", at, account_id=small, server_id="s-2", cores=2),
        *(event("server.registered", at, account_id=switching, server_id=f"s-{each}", cores=2) for each in range(2)),
        purchase(switching, at, specification=FULL),
        event("renewal.change_ordered", at, account_id=switching, **renewal),
        purchase(plain, at, duration_months=3),
        event("renewal.declined", at, account_id=plain),
    ]


def counted(lifecycle: list[dict[str, Any]], first: date) -> dict[str, tuple[int, ...]]:
    """Day -> deductions, failed attempts, expiries, releases, notices and reminders, of these lifecycle events."""
    kinds = ("renewed", "auto_renewal_failed", "expired", "released", "renewal_upcoming", "renewal_due", "release_due")
    days: dict[str, Counter[str]] = {}
    for one in lifecycle:
        day = billing_day(datetime.fromisoformat(one["time"]), ZONE)
        kind = one["type"].split(".")[2]
        if kind in kinds and one["data"]["cause"]["type"] == "timer" and day >= first:
            days.setdefault(str(day), Counter())[kind] += 1
    return {day: tuple(counts[kind] for kind in kinds) for day, counts in days.items()}


def foretold(days: list[ForecastDay]) -> dict[str, tuple[int, ...]]:
    found = {
        str(one.day): (
            *(one.deducted, one.attempts_failed, one.expired, one.released),
            *(one.notices, one.reminders, one.release_reminders),
        )
        for one in days
    }
    return {day: counts for day, counts in found.items() if any(counts)}


@pytest.mark.rule("R4", "R20", "R25", "R31", "R35")
@pytest.mark.parametrize("shares", [1, 3])
def test_the_forecast_is_what_then_happens(postgres: Postgres, shares: int) -> None:
    with fresh_database(postgres) as url:
        core = Core(url, RULES)
        core.begin()
        core.receive(Batch(START, [record(TOPIC_OF_TYPE[one["type"]], one) for one in customers(START)]))
        before = core.stored()
        now = START + timedelta(days=3)
        job = Job(url, SCHEMA, RULES, now, DAYS, named=10, share_number=0, shares=shares, parent=getpid())
        found, left_out = asyncio.run(forecasting.forecast(job))
        assert core.stored() == before
        assert (left_out, found.accounts) == (0, 5)  # nothing is due yet of the one who bought three months
        today = billing_day(now, ZONE)
        for hours in range(0, DAYS * 24, 6):
            core.run_due(now + timedelta(hours=hours))
        core.run_due(found.until - timedelta(seconds=1))
        happened = [json.loads(value) for value in core.published(LIFECYCLE)]
        assert foretold(list(found.days)) == counted(happened, today)
        assert sum(one.deducted for one in found.days) == 2  # rich, and lucky by coupon
        assert sum(one.without_balance for one in found.days) >= 2
        assert sum(one.without_quota for one in found.days) == 1
        core.close()


def test_a_share_reads_only_accounts_on_which_something_is_due_in_time(postgres: Postgres) -> None:
    with fresh_database(postgres) as url:
        core = Core(url, RULES)
        core.begin()
        events = [purchase(account(), START, duration_months=months) for months in (1, 12, 36)]
        core.receive(Batch(START, [record(TOPIC_OF_TYPE[one["type"]], one) for one in events]))
        engine = connect(url, SCHEMA)
        job = Job(url, SCHEMA, RULES, START, 35, named=10, share_number=0, shares=1, parent=0)

        async def looked_at() -> int:
            try:
                return (await forecasting.share_of(engine, job)).accounts
            finally:
                await engine.dispose()

        assert asyncio.run(looked_at()) == 1
        core.close()


def test_a_process_that_cannot_do_its_share_is_told_in_a_sentence() -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    job = Job(url, SCHEMA, RULES, START, 1, named=1, share_number=0, shares=1, parent=getpid())
    with pytest.raises(ForecastFailed, match="Transient"):
        asyncio.run(forecasting.forecast(job))


@pytest.mark.asyncio(loop_scope="module")
class TestOverHttp:
    """On a running service."""

    async def test_what_is_foretold_then_happens(self, world: World) -> None:
        await world.publish(*customers(world.now))
        await world.settle()
        answer = await world.client.get("/api/forecast", params={"days": DAYS}, headers=operator(), timeout=60)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["currency"], shown["left_out"], len(shown["days"])) == ("USD", 0, DAYS)
        today = billing_day(world.now, ZONE)
        assert (shown["days"][0]["day"], shown["as_of"]) == (str(today), world.now.isoformat().replace("+00:00", "Z"))
        names = {one["account_id"] for day in shown["days"] for one in day["short_of_balance"]}
        assert len(names) >= 2
        await world.settle(world.now + timedelta(days=DAYS - 1))
        happened = counted(await world.events(LIFECYCLE), today)
        found = {
            day["day"]: (
                *(day["deducted"]["accounts"], day["failed"]["attempts"], day["expired"], day["released"]),
                *day["announced"].values(),
            )
            for day in shown["days"]
        }
        assert {day: counts for day, counts in found.items() if any(counts)} == happened

    async def test_only_operators_may_ask(self, world: World) -> None:
        nobody = await world.client.get("/api/forecast")
        customer = await world.client.get("/api/forecast", headers=bearer("acme", "inbox"))
        assert [nobody.status_code, customer.status_code] == [401, 403]

    @pytest.mark.parametrize(
        ("name", "value"), [("days", "0"), ("days", "367"), ("days", "all"), ("named", "-1"), ("named", "10001")]
    )
    async def test_what_makes_no_sense_is_refused_by_its_name(self, world: World, name: str, value: str) -> None:
        answer = await world.client.get("/api/forecast", params={name: value}, headers=operator())
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(f"query.{name}: ")

    async def test_one_is_worked_out_at_a_time(self, world: World) -> None:
        asked = [world.client.get("/api/forecast", headers=operator(), timeout=60) for _ in range(3)]
        answers = await asyncio.gather(*asked)
        assert sorted(one.status_code for one in answers) == [200, 429, 429]
        assert all(one.headers["retry-after"] for one in answers if one.status_code == 429)
        again = await world.client.get("/api/forecast", headers=operator(), timeout=60)
        assert again.status_code == 200

    @pytest.mark.usefixtures("ready_file")
    async def test_the_command_prints_days_and_who_will_fail(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        events = customers(world.now)
        late = [one for one in events if one["data"].get("server_id") == "s-2"]
        await world.publish(*(one for one in events if one not in late))
        await world.settle()
        await world.publish(*late)  # it would have stood against the purchase
        await world.settle()
        code, output, trouble = await run(capsys, "--days", "40")
        assert (code, trouble) == (0, "")
        assert "balance: " in output
        assert "quota: servers_below_inventory (2 of 3)" in output
        code, output, _ = await run(capsys, "--days", "40", "--csv")
        rows = list(csv.DictReader(io.StringIO(output)))
        code, output, _ = await run(capsys, "--days", "40", "--json", "--named", "0")
        document = json.loads(output)
        assert (len(rows), len(document["days"])) == (40, 40)
        assert [row["expired"] for row in rows] == [str(day["expired"]) for day in document["days"]]
        assert {len(day["short_of_balance"]) for day in document["days"]} == {0}

    @pytest.mark.usefixtures("ready_file")
    async def test_the_command_says_who_is_away(self, capsys: pytest.CaptureFixture[str]) -> None:
        code, output, trouble = await run(capsys, "--service", NOBODY)
        assert (code, output) == (1, "")
        assert trouble.startswith(f"tenure forecast: the subscription service at {NOBODY} did not answer")


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    return await asyncio.to_thread(main, ["forecast", *arguments]), *capsys.readouterr()
