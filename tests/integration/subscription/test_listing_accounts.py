"""`/api/accounts` and `tenure accounts` on a running service: pages, CSV, who may ask, and what is refused."""

import asyncio
import csv
import io
import json
from typing import Any, Final

import pytest

from tenure.__main__ import main
from tests.integration.subscription.serving import World
from tests.kit.events import CONTACT, account, credit, purchase
from tests.kit.settings import NOBODY
from tests.kit.tokens import bearer, operator

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("ready_file")]
PATH: Final = "/api/accounts"
CSV: Final = {"Accept": "text/csv", **operator()}
ODD_NAME: Final = 'O\'Neil, "Ann"\nLin Wei 林伟'


async def three(world: World) -> list[str]:
    """Accounts of this call alone, which share an E that no other has: four years ahead, and one without E."""
    world.now = world.now.replace(microsecond=0)
    first, second, last = sorted(account() for _ in range(3))
    for who in (second, first):
        contact = CONTACT | {"name": ODD_NAME}
        await world.publish(purchase(who, world.now, duration_months=36, contact=contact, auto_renewal=False))
    await world.publish(credit(last, "12.50") | {"time": world.now.isoformat()})
    await world.settle()
    return [first, second, last]


async def listed(world: World, status: int = 200, **parameters: Any) -> Any:
    answer = await world.client.get(PATH, params=parameters, headers=operator())
    assert answer.status_code == status, answer.text
    return answer.json()


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    capsys.readouterr()
    return await asyncio.to_thread(main, ["accounts", *arguments]), *capsys.readouterr()


async def test_the_list_page_by_page_is_the_list(world: World) -> None:
    mine = await three(world)
    everything = await listed(world, limit=1000)
    assert everything["next"] is None
    found: list[Any] = []
    query: dict[str, Any] = {"limit": 1}
    while True:
        page = await listed(world, **query)
        found += page["accounts"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert found == everything["accounts"]
    assert [one["account_id"] for one in found if one["account_id"] in mine] == mine
    shown = next(one for one in found if one["account_id"] == mine[0])
    state = await world.get(mine[0])
    same = ("account_id", "state", "edition", "expires_on", "ends_at", "declined", "balance")
    assert {name: shown[name] for name in same} == {name: state[name] for name in same}
    assert (shown["auto_renewal"], shown["failing"], shown["contact_name"]) == (False, False, ODD_NAME)


async def test_the_last_page_has_no_next_also_where_it_is_full(world: World) -> None:
    mine = await three(world)
    e = (await world.get(mine[0]))["expires_on"]
    fitting = (await listed(world, expires_from=e, expires_to=e))["accounts"]
    full = await listed(world, expires_from=e, expires_to=e, limit=len(fitting))
    assert (len(full["accounts"]), full["next"]) == (len(fitting), None)
    first = await listed(world, expires_from=e, expires_to=e, limit=len(fitting) - 1)
    rest = await listed(world, expires_from=e, expires_to=e, after=first["next"])
    assert (len(rest["accounts"]), rest["next"]) == (1, None)


async def test_csv_has_all_that_json_has_whatever_stands_in_a_name(world: World) -> None:
    mine = await three(world)
    answer = await world.client.get(PATH, params={"limit": 1}, headers=CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["vary"] == "Accept"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    documents = (await listed(world, limit=1000))["accounts"]
    assert [list(row) for row in rows[:1]] == [list(documents[0])]
    assert [{name: _cell(value) for name, value in one.items()} for one in documents] == rows
    assert {row["contact_name"] for row in rows if row["account_id"] in mine[:2]} == {ODD_NAME}


async def test_a_name_that_a_spreadsheet_would_run_is_text_in_csv_and_as_it_is_in_json(world: World) -> None:
    who, name = account(), '=HYPERLINK("http://example.com","Ann")'
    await world.publish(purchase(who, world.now, contact=CONTACT | {"name": name}))
    await world.settle()
    answer = await world.client.get(PATH, headers=CSV)
    rows = {row["account_id"]: row for row in csv.DictReader(io.StringIO(answer.text, newline=""))}
    assert rows[who]["contact_name"] == f"'{name}"
    documents = {each["account_id"]: each for each in (await listed(world, limit=1000))["accounts"]}
    assert documents[who]["contact_name"] == name


def _cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("TEXT/CSV;q=0.9,*/*;q=0.1", "text/csv"),
        ("*/*", "application/json"),
        ("application/json, text/csv", "application/json"),
        ("application/json, text/csv;q=0.5", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("text/csv;q=much", "application/json"),
        ("", "application/json"),
    ],
)
async def test_csv_is_for_those_who_ask_for_it(world: World, accept: str, kind: str) -> None:
    answer = await world.client.get(PATH, headers={"Accept": accept, **operator()})
    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)


async def test_a_head_of_csv_ends_with_its_headers(world: World) -> None:
    answer = await world.client.head(PATH, headers=CSV)
    assert (answer.status_code, answer.content, answer.headers["content-type"][:8]) == (200, b"", "text/csv")


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
async def test_only_operators_may_see_the_list(world: World, accept: str) -> None:
    nobody = await world.client.get(PATH, headers={"Accept": accept})
    customer = await world.client.get(PATH, headers={"Accept": accept, **bearer("acme", "inbox")})
    link = await world.client.get(PATH, params={"token": operator()["Authorization"].split()[1]})
    assert [nobody.status_code, customer.status_code, link.status_code] == [401, 403, 401]
    assert {one.headers["content-type"] for one in (nobody, customer, link)} == {"application/problem+json"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "gone"),
        ("state", ""),
        ("edition", "gold"),
        ("expires_from", "2026-02-30"),
        ("expires_from", "2026-02-03T00:00:00Z"),
        ("expires_to", "soon"),
        ("auto_renewal", "maybe"),
        ("failing", "2"),
        ("declined", ""),
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "many"),
        ("after", "acme"),
        ("after", "2026-02-30,acme"),
        ("after", "2026-02-03,"),
        ("after", "2026-02-03,a'b"),
        ("after", "none,acme,b"),
        ("stat", "active"),
    ],
)
async def test_a_value_that_makes_no_sense_is_refused_by_the_name_of_its_parameter(
    world: World, name: str, value: str
) -> None:
    for headers in (operator(), CSV):
        answer = await world.client.get(PATH, params={name: value}, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
        assert answer.json()["detail"].startswith(f"query.{name}: ")


async def test_days_in_the_wrong_order_are_refused(world: World) -> None:
    refused = await listed(world, 422, expires_from="2026-02-03", expires_to="2026-02-02")
    assert "expires_from is later than expires_to" in refused["detail"]
    assert (await listed(world, expires_from="2026-02-03", expires_to="2026-02-03"))["accounts"] is not None


async def test_the_command_lists_in_a_table_in_json_and_in_csv(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = await three(world)
    e = (await world.get(mine[0]))["expires_on"]
    these = ["--expires-from", e, "--expires-to", e, "--state", "active", "--no-auto-renewal", "--not-declined"]
    code, output, trouble = await run(capsys, *these)
    assert (code, trouble) == (0, "")
    assert [line.split()[:4] for line in output.splitlines() if line.startswith(mine[0])] == [
        [mine[0], "active", "enterprise", e]
    ]
    code, output, _ = await run(capsys, *these, "--json")
    assert code == 0
    documents = json.loads(output)
    assert documents == (await listed(world, expires_from=e, expires_to=e, state="active"))["accounts"]
    code, output, _ = await run(capsys, *these, "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(output, newline="")))
    assert rows == [{name: _cell(value) for name, value in one.items()} for one in documents]


async def test_the_command_says_that_there_are_more(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await three(world)
    code, output, trouble = await run(capsys, "--limit", "2")
    assert (code, len(output.splitlines())) == (0, 3)
    assert trouble.startswith("There are more; ")
    assert json.loads((await run(capsys, "--limit", "2", "--json"))[1])[1:]
    assert json.loads((await run(capsys, "--state", "released", "--json"))[1]) == []


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--expires-to", "soon"], 1, "tenure accounts: query.expires_to: expected a day as YYYY-MM-DD."),
        (["--edition", "gold"], 1, "tenure accounts: query.edition: expected one of value-added, "),
        (["--state", "gone"], 2, "tenure accounts: Invalid value for '--state': 'gone'"),
        (["--service", NOBODY], 1, f"tenure accounts: the subscription service at {NOBODY} did not answer"),
    ],
)
async def test_what_the_command_cannot_do_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, sentence: str
) -> None:
    found = await run(capsys, *arguments)
    assert (found[0], found[1]) == (code, "")
    assert found[2].startswith(sentence)
