"""An account over HTTP, as operators see it: read from the rows and worked out by the rules, on the real service."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenure.local.postgres import Postgres
from tests.integration.subscription.samples import BEGINS, purchase, specification
from tests.integration.subscription.serving import World
from tests.kit.events import CONTACT
from tests.kit.tokens import bearer, operator

PATHS = ["", "/orders", "/history", "/timeline", "/quote", "/servers", "/configuration/tag"]
E = "2026-02-28"
ENDS_AT = datetime(2026, 2, 28, 16, tzinfo=UTC)
LATER = BEGINS + timedelta(hours=1)


@pytest.fixture
async def acme(service: World) -> str:
    """An account with two servers, a subscription until 28 February, and configuration."""
    for number in (1, 2):
        await service.send("acme", "server.registered", server_id=f"s-{number}", cores=4)
    await service.send("acme", "configuration.recorded", kind="tag", key="prod", value={"color": "red"})
    await service.send("acme", "capacity.used", feature="anti_ransomware_gb", used=30)
    await service.send("acme", "purchase.ordered", **purchase())
    await service.settle()
    return "acme"


async def test_only_operators_see_accounts_and_unknown_ones_are_not_there(service: World, acme: str) -> None:
    for path in PATHS:
        nobody = await service.client.get(f"/api/accounts/{acme}{path}")
        customer = await service.client.get(f"/api/accounts/{acme}{path}", headers=bearer("ops", "inbox"))
        stranger = await service.client.get(f"/api/accounts/stranger{path}", headers=operator())
        answers = [nobody, customer, stranger]
        assert [one.status_code for one in answers] == [401, 403, 404]
        assert {one.headers["content-type"] for one in answers} == {"application/problem+json"}


@pytest.mark.rule("R18")
async def test_the_overview_is_the_document_that_was_last_published(service: World, acme: str) -> None:
    shown = await service.get(acme)
    assert shown == (await service.states(acme))[-1]
    assert (shown["state"], shown["expires_on"], shown["protected_assets"]) == ("active", E, 2)
    assert shown["remaining_anti_ransomware_gb"] == 70
    await service.settle(BEGINS + timedelta(days=1))
    await service.send(acme, "configuration.recorded", kind="tag", key="dev", value=1)
    await service.settle()
    assert await service.get(acme) == (await service.states(acme))[-1] == shown


@pytest.mark.rule("R38")
async def test_an_account_is_there_from_the_first_thing_that_is_known_of_it(service: World) -> None:
    await service.send("early", "account.credited", entry_id="c-1", amount="12.50", currency="USD")
    await service.settle()
    shown = await service.get("early")
    assert (shown["state"], shown["balance"], shown["subscription_id"]) == ("none", "12.50", None)
    assert await service.get("early/orders") == {"orders": []}
    assert await service.get("early/timeline") == {"entries": []}
    assert (await service.get("early/quote", 409))["code"] == "not_subscribed"


@pytest.mark.rule("R15", "R18")
async def test_the_order_list_shows_every_order_at_once_while_the_overview_waits(service: World, acme: str) -> None:
    wanted = specification(servers=5, value_added={"anti_ransomware_gb": 200})
    renewal = {"order_id": "r-1", "duration_months": 2, "specification": wanted, "terms_accepted": True}
    await service.send(acme, "renewal.change_ordered", **renewal)
    await service.send(acme, "renewal.ordered", order_id="r-2", duration_months=13, terms_accepted=True)
    await service.settle()
    found = {one["order_id"]: one for one in (await service.get(f"{acme}/orders"))["orders"]}
    assert {each: one["status"] for each, one in found.items()} == {
        "p-1": "effective",
        "r-1": "pending",
        "r-2": "rejected",
    }
    pending = found["r-1"]
    assert (pending["type"], pending["months"], pending["specification"]) == ("renewal_change", 2, wanted)
    assert (pending["starts_at"], pending["ends_at"]) == ("2026-02-28T16:00:00Z", "2026-04-30T16:00:00Z")
    assert pending["fee"] == "115.00"
    assert (await service.get(acme))["purchased_quota"]["servers"] == 3
    await service.settle(ENDS_AT)
    statuses = {one["order_id"]: one["status"] for one in (await service.get(f"{acme}/orders"))["orders"]}
    assert (statuses["p-1"], statuses["r-1"]) == ("ended", "effective")
    shown = await service.get(acme)
    assert (shown["purchased_quota"]["servers"], shown["remaining_anti_ransomware_gb"]) == (5, 170)


@pytest.mark.rule("R18", "R42")
async def test_orders_of_one_instant_are_listed_in_the_order_of_their_terms(service: World) -> None:
    chain = [("z-1", "2025-12-01T00:00:00+08:00", "2025-12-31"), ("m-2", "2026-01-01T00:00:00+08:00", "2026-01-31")]
    terms = [
        {"order_id": order, "starts_at": start, "months": 1, "specification": specification(), "expires_on": last_day}
        for order, start, last_day in chain
    ]
    bought_elsewhere = {"contact": CONTACT, "anchor_day": 31, "terms": terms, "auto_renewal": None, "declined": False}
    await service.send("moved", "subscription.imported", import_id="i-1", **bought_elsewhere)
    await service.settle()
    for order, accepted in (("r-10", True), ("r-9", True), ("c-11", False)):
        await service.send("moved", "renewal.ordered", order_id=order, duration_months=1, terms_accepted=accepted)
    await service.settle()
    listed = [one["order_id"] for one in (await service.get("moved/orders"))["orders"]]
    assert listed == ["z-1", "m-2", "r-10", "r-9", "c-11"]


@pytest.mark.rule("G2")
async def test_the_history_is_what_was_published_page_by_page(service: World, acme: str) -> None:
    for number in range(1, 4):
        await service.send(
            acme, "renewal.ordered", order_id=f"r-{number}", duration_months=1, terms_accepted=number < 3
        )
    await service.settle()
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 3}
    while query.get("after_version", 0) is not None:
        page = await service.get(f"{acme}/history", **query)
        found += page["events"]
        query["after_version"] = page["after_version"]
    assert found == await service.lifecycle(acme)
    assert [one["data"]["version"] for one in found] == [1, 2, 3, 4]
    assert [one["type"].split(".")[2] for one in found] == ["activated", "renewed", "renewed", "order_rejected"]
    assert (await service.get(f"{acme}/history", after_version=99)) == {"events": [], "after_version": None}


@pytest.mark.rule("R20", "R24", "R29", "R31", "R34", "R35")
async def test_the_timeline_tells_what_then_happens(service: World) -> None:
    coupon = {"coupon_id": "k-1", "percent_off": 50, "minimum_spend": "0.00"}
    dates = {"valid_from": "2026-01-01", "valid_until": "2026-12-31"}
    await service.send("zeta", "coupon.issued", **coupon, **dates)
    await service.send("zeta", "account.credited", entry_id="c-1", amount="20.00", currency="USD")
    await service.send("zeta", "purchase.ordered", **purchase(auto_renewal=True))
    await service.settle()
    entries = (await service.get("zeta/timeline"))["entries"]
    deduction = entries[0]
    assert (deduction["at"], deduction["kind"]) == ("2026-02-19T00:00:00Z", "deduction")
    assert (deduction["charged"], deduction["balance_after"], deduction["expires_on"]) == (
        "16.75",
        "3.25",
        "2026-03-31",
    )
    assert "shortfall" not in deduction
    foretold = [(one["kind"], one["at"]) for one in entries if one["kind"] != "deduction"]
    assert foretold == [
        ("term_start", "2026-02-28T16:00:00Z"),
        ("reminder", "2026-03-24T02:00:00Z"),
        ("expiry", "2026-03-31T16:00:00Z"),
        ("release_due", "2026-04-07T02:00:00Z"),
        ("release", "2026-04-07T16:00:00Z"),
    ]
    await service.settle(datetime(2026, 5, 1, tzinfo=UTC))
    happened = {one["time"]: one["data"] for one in (await service.get("zeta/history"))["events"]}
    assert happened["2026-02-19T00:00:00Z"]["charged"] == "16.75"
    assert happened["2026-04-07T16:00:00Z"]["edition"] == "basic"
    assert {at for _, at in foretold[1:]} <= happened.keys()


@pytest.mark.rule("R3", "R14", "R30")
async def test_a_quote_tells_the_price_and_what_stands_against_it(service: World, acme: str) -> None:
    as_is = {"months": 1, "fee": "33.50", "currency": "USD", "obstacles": []}
    assert await service.get(f"{acme}/quote") == as_is
    for number in range(3, 6):
        await service.send(acme, "server.registered", server_id=f"s-{number}", cores=1)
    await service.settle()
    yearly = await service.get(f"{acme}/quote", months=12)
    assert (yearly["months"], yearly["fee"]) == (12, "402.00")
    assert yearly["obstacles"] == [{"code": "servers_below_inventory", "required": 5, "offered": 3}]
    for months in (0, 13, -1):
        assert (await service.get(f"{acme}/quote", 422, months=months))["code"] == "invalid_duration"
    assert "months" in (await service.get(f"{acme}/quote", 422, months="a year"))["detail"]


@pytest.mark.rule("R31", "R36")
async def test_the_servers_are_listed_page_by_page_with_what_protects_them(service: World, acme: str) -> None:
    first = await service.get(f"{acme}/servers", limit=1)
    assert first == {
        "servers": [
            {"server_id": "s-1", "cores": 4, "registered_at": "2026-01-31T01:00:00Z", "bound": False, "protected": True}
        ],
        "next": "s-1",
    }
    rest = await service.get(f"{acme}/servers", after="s-1", limit=1)
    assert ([one["server_id"] for one in rest["servers"]], rest["next"]) == (["s-2"], None)
    partial = purchase("p-2", specification=specification(protection_mode="partial", servers=1))
    await service.send("part", "purchase.ordered", **partial)
    for number in range(3):
        await service.send("part", "server.registered", server_id=f"s-{number}", cores=number)
    await service.send("part", "server.bound", server_id="s-1")
    await service.settle(LATER)
    await service.send("part", "server.released", server_id="s-0")
    await service.settle()
    shown = (await service.get("part/servers"))["servers"]
    assert [(one["server_id"], one["bound"], one["protected"]) for one in shown] == [
        ("s-1", True, True),
        ("s-2", False, False),
    ]
    await service.settle(ENDS_AT)
    for who in (acme, "part"):
        assert {one["protected"] for one in (await service.get(f"{who}/servers"))["servers"]} == {False}
    assert [one["bound"] for one in (await service.get("part/servers"))["servers"]] == [True, False]


async def test_numbers_in_configuration_come_back_unchanged(service: World, acme: str) -> None:
    numbers = [0.1, 1.0, -1e300, 5e-324, 1e22, 2**64 - 1, -(2**63), 3.141592653589793]
    await service.send(acme, "configuration.recorded", kind="asset_group", key="numbers", value={"all": numbers})
    await service.settle()
    [entry] = (await service.get(f"{acme}/configuration/asset_group"))["entries"]
    assert entry["value"] == {"all": numbers}


@pytest.mark.rule("R32", "R35")
async def test_configuration_is_readable_in_grace_and_gone_after_release(service: World, acme: str) -> None:
    kept = {"kind": "tag", "entries": [{"key": "prod", "value": {"color": "red"}}]}
    await service.send(acme, "configuration.recorded", kind="tag", key="old", value=None)
    await service.settle(LATER)  # at one instant the greater event id would win (R37)
    await service.send(acme, "configuration.removed", kind="tag", key="old")
    for now, state in ((LATER, "active"), (ENDS_AT, "grace")):
        await service.settle(now)
        assert (await service.get(acme))["state"] == state
        assert await service.get(f"{acme}/configuration/tag") == kept
    assert (await service.get(f"{acme}/configuration/asset_group"))["entries"] == []
    assert (await service.get(f"{acme}/configuration/nonsense", 422))["status"] == 422
    await service.settle(ENDS_AT + timedelta(days=7))
    assert (await service.get(f"{acme}/configuration/tag", 410))["title"] == "Gone"
    assert (await service.get(f"{acme}/quote", 409))["code"] == "subscription_released"
    await service.send(acme, "purchase.ordered", **purchase("p-2"))
    await service.settle()
    assert (await service.get(f"{acme}/configuration/tag"))["entries"] == []


async def test_every_shape_stands_in_the_openapi_document(service: World) -> None:
    document = (await service.client.get("/openapi.json")).json()
    for path in PATHS:
        operation = document["paths"]["/api/accounts/{account_id}" + path.replace("tag", "{kind}")]["get"]
        assert operation["responses"]["200"]["content"]["application/json"]["schema"].keys() == {"$ref"}
        assert operation["responses"]["404"]["content"].keys() == {"application/problem+json"}
    assert {"Overview", "Orders", "History", "Renewed", "Timeline", "QuoteDocument", "Configuration"} <= (
        document["components"]["schemas"].keys()
    )


@pytest.mark.rule("G5")
async def test_while_the_database_is_away_every_path_says_to_come_back(
    service: World, acme: str, postgres: Postgres
) -> None:
    await postgres.kill()
    try:
        for path in PATHS:
            answer = await service.client.get(f"/api/accounts/{acme}{path}", headers=operator())
            assert answer.status_code == 503
            assert answer.headers["retry-after"]
    finally:
        await postgres.start()
    await service.ready()
    assert (await service.get(acme))["state"] == "active"
