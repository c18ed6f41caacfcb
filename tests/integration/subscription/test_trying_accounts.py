"""`POST /api/accounts/{id}/try` and `tenure try` on a running service: who may, what is answered, what is in words."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from shared.storage.database import connect, transaction
from tenure.__main__ import main
from tests.integration.subscription.serving import World
from tests.kit.events import PARTIAL, account, credit, event, purchase, renewal
from tests.kit.settings import NOBODY
from tests.kit.tokens import bearer, operator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("ready_file")]
LOCKED: Final = text("SELECT 1 FROM account WHERE account_id = :id FOR UPDATE")


async def tried(world: World, one: dict[str, Any], status: int = 200) -> Any:
    path = f"/api/accounts/{one['subject']}/try"
    answer = await world.client.post(path, json={"type": one["type"], "data": one["data"]}, headers=operator())
    assert answer.status_code == status, answer.text
    return answer.json()


async def subscribed(world: World) -> str:
    who = account()
    await world.publish(purchase(who, world.now))
    await world.settle()
    return who


@pytest.mark.rule("R19")
async def test_an_upgrade_is_tried_with_its_price_difference_and_then_done(world: World) -> None:
    who = await subscribed(world)
    order = {"order_id": f"up-{who}", "specification": PARTIAL | {"protected_servers": 4}, "terms_accepted": True}
    upgrade = event("specification.change_ordered", world.now, account_id=who, **order)
    shown = await tried(world, upgrade)
    assert (shown["refusal"], shown["waits"], shown["outcome"]) == (None, False, "applied")
    [changed] = shown["events"]
    assert changed["data"]["price_difference"] == "47.00"
    assert shown["state"]["purchased_quota"]["servers"] == 4
    assert (await world.get(who))["purchased_quota"]["servers"] == 2
    await world.publish(upgrade)
    await world.settle()
    done = (await world.lifecycle(who))[-1]
    assert done["data"] | {"cause": None} == changed["data"] | {"cause": None}
    assert done["id"] == changed["id"]


@pytest.mark.rule("R41")
async def test_a_refusal_comes_with_its_figures(world: World) -> None:
    who = account()
    full = PARTIAL | {"protection_mode": "full", "protected_servers": 1}
    for number in range(2):
        await world.send(who, "server.registered", server_id=f"s-{number}", cores=1)
    await world.settle()
    refused = await tried(world, purchase(who, world.now, specification=full))
    assert (refused["refusal"], refused["outcome"]) == ("servers_below_inventory", "rejected")
    [rejected] = refused["events"]
    assert (rejected["data"]["required"], rejected["data"]["offered"]) == (2, 1)
    assert refused["state"]["state"] == "none"


@pytest.mark.rule("R39", "R40")
async def test_what_waits_what_is_spent_and_what_conflicts_is_said(world: World) -> None:
    stranger, who = account(), await subscribed(world)
    waits = await tried(world, renewal(stranger, world.now))
    assert (waits["refusal"], waits["waits"], waits["events"], waits["state"]) == ("not_subscribed", True, [], None)
    paid = credit(who, "5.00") | {"time": world.now.isoformat()}
    await world.publish(paid)
    await world.settle()
    again = await tried(world, paid)
    assert (again["refusal"], again["outcome"], again["events"]) == (None, "duplicate", [])
    other = await tried(world, credit(who, "6.00", entry_id=paid["data"]["entry_id"]))
    assert (other["refusal"], other["outcome"]) == ("id_conflict", "dead_letter")


async def test_only_operators_may_try(world: World) -> None:
    one = renewal(account(), world.now)
    path, document = f"/api/accounts/{one['subject']}/try", {"type": one["type"], "data": one["data"]}
    nobody = await world.client.post(path, json=document)
    customer = await world.client.post(path, json=document, headers=bearer(one["subject"], "inbox"))
    assert [nobody.status_code, customer.status_code] == [401, 403]


@pytest.mark.parametrize(
    ("document", "code", "detail"),
    [
        ({"data": {}}, None, "body.type: "),
        ({"type": "tenure.renewal.declined.v1"}, None, "body.data: "),
        ({"type": "tenure.renewal.declined.v1", "data": []}, None, "body.data: "),
        ({"type": "tenure.renewal.declned.v1", "data": {}}, "unknown_type", "type: "),
        ({"type": "tenure.renewal.ordered.v1", "data": {"order_id": "o"}}, "invalid_data", "data.duration_months: "),
        ({"type": "tenure.renewal.declined.v1", "data": {"account_id": "b"}}, "subject_mismatch", "subject: "),
        (
            {
                "type": "tenure.configuration.recorded.v1",
                "data": {"kind": "tag", "key": "k", "value": 12345678901234567890123},
            },
            "invalid_data",
            "data.value",
        ),
    ],
)
async def test_what_is_no_event_is_refused_with_the_field(
    world: World, document: dict[str, Any], code: str | None, detail: str
) -> None:
    answer = await world.client.post("/api/accounts/a/try", json=document, headers=operator())
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json().get("code") == code
    assert answer.json()["detail"].startswith(detail)


async def test_an_account_that_is_locked_can_be_tried_meanwhile(world: World) -> None:
    who = await subscribed(world)
    engine = connect(world.settings.database_url.get_secret_value(), "subscription")
    async with transaction(engine) as connection:
        await connection.execute(LOCKED, {"id": who})
        shown = await asyncio.wait_for(tried(world, renewal(who, world.now)), timeout=30)
    await engine.dispose()
    assert [each["type"].split(".")[2] for each in shown["events"]] == ["renewed"]


async def test_a_whole_event_may_be_sent_as_it_stands_in_a_file(world: World) -> None:
    one = purchase(account(), world.now)
    answer = await world.client.post(f"/api/accounts/{one['subject']}/try", json=one, headers=operator())
    assert answer.json()["state"]["state"] == "active"


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    return await asyncio.to_thread(main, ["try", *arguments]), *capsys.readouterr()


async def test_the_command_says_in_words_what_would_happen(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = await subscribed(world)
    less = {"order_id": f"down-{who}", "specification": PARTIAL | {"protected_servers": 1}, "terms_accepted": True}
    file = tmp_path / "events.jsonl"
    events = [
        event("specification.change_ordered", world.now, account_id=who, **less),
        renewal(who, world.now, duration_months=13),
        renewal(account(), world.now),
    ]
    file.write_text("\n".join(map(json.dumps, events)))
    code, output, _ = await run(capsys, str(file))
    assert code == 1  # one of them would be refused
    for words in (
        f"{file}, line 1: tenure.specification.change_ordered.v1 would be applied",
        "specification_changed: 23.50 USD less for the rest of the term",
        f"{file}, line 2: tenure.renewal.ordered.v1 would be rejected (invalid_duration)",
        f"{file}, line 3: tenure.renewal.ordered.v1 would wait for a purchase",
        "afterwards: active, E 2026-02-05",
    ):
        assert words in output
    assert await world.kinds(who) == ["activated"]


async def test_the_command_prints_what_the_service_answers_as_json(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = purchase(account(), world.now)
    file = tmp_path / "event.json"
    file.write_text(json.dumps(one))
    code, output, _ = await run(capsys, str(file), "--json")
    [shown] = json.loads(output)
    assert (code, shown["outcome"], shown["place"]) == (0, "applied", f"{file}, line 1")


async def test_of_several_events_the_one_that_its_contract_does_not_take_is_named_by_file_line_and_field(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = account()
    file = tmp_path / "events.jsonl"
    events = [purchase(who, world.now), renewal(who, world.now, duration_months="x")]
    file.write_text("\n".join(map(json.dumps, events)))
    sentence = f"tenure try: {file}, line 2: data.duration_months: Input should be a valid integer.\n"
    code, printed, said = await run(capsys, str(file))
    assert (code, said) == (1, sentence)
    assert printed.startswith(f"{file}, line 1: tenure.purchase.ordered.v1 would be applied")
    assert await run(capsys, str(file), "--json") == (1, "", sentence)


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ("{", [], "tenure try: "),
        ('{"type": "tenure.renewal.ordered.v1", "data": {"account_id": "a"}}', [], "tenure try: "),
        (
            '{"type": "tenure.renewal.declined.v1", "data": {"account_id": "a"}}',
            ["--service", NOBODY],
            "tenure try: the",
        ),
        ('{"topic": "renewals", "event": 7}', [], "tenure try: "),
    ],
)
async def test_what_cannot_be_tried_is_said_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, arguments: list[str], sentence: str
) -> None:
    file = tmp_path / "event.json"
    file.write_text(content)
    code, output, trouble = await run(capsys, str(file), *arguments)
    assert (code, output, trouble.count("\n")) == (1, "", 1)
    assert trouble.startswith(sentence)
