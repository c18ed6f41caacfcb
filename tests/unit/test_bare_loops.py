"""In what the two bare loops differ."""

from types import SimpleNamespace

import orjson
import pytest

from benchmarks.bare_loop.batch import Batch, Entry
from benchmarks.bare_loop.designs import DESIGNS, Design, each_stamp
from benchmarks.bare_loop.texts import TypicalTexts
from shared.contracts.topics import LIFECYCLE, RENEWALS, SERVER_INVENTORY, STATE
from shared.outbox.log import pack

TEXTS = TypicalTexts('{"id":"e"}', '{"revision":7}', "{}", "{}", "[]", "{}")
STATE_TEXT = TEXTS.state.encode()
EVENT = (LIFECYCLE, 0, 1, b"a", b"event", None)


def test_the_present_one_publishes_a_document_in_the_place_of_its_last_change() -> None:
    rows = [EVENT, (STATE, 0, 2, None, None, changes("a", "b")), (STATE, 0, 3, None, None, changes("a"))]
    assert design("bare").to_publish(rows) == [
        EVENT[:5],
        (STATE, 0, 2, b"b", STATE_TEXT),
        (STATE, 0, 3, b"a", STATE_TEXT),
    ]


def test_the_one_of_november_publishes_every_entry() -> None:
    rows = [EVENT, (STATE, 0, 1, b"a", STATE_TEXT, None), (STATE, 0, 2, b"a", STATE_TEXT, None)]
    assert design("bare-2026-11").to_publish(rows) == [row[:5] for row in rows]


def test_the_log_of_the_present_one_says_only_which_documents_changed() -> None:
    [first, second] = design("bare").state_entries({"a": 0, "b": 1, "c": 0})
    assert first == Entry(STATE, 0, None, None, changes("a", "c"), sequences=2)
    assert second == Entry(STATE, 1, None, None, changes("b"))


def test_the_log_of_the_one_of_november_holds_the_documents() -> None:
    [only] = design("bare-2026-11").state_entries({"a": 0})
    assert only == Entry(STATE, 0, "a", STATE_TEXT)


@pytest.mark.parametrize(("name", "orders"), [("bare", [True]), ("bare-2026-11", [True, False])])
def test_a_switch_is_an_order_to_the_one_of_november_only(name: str, orders: list[bool]) -> None:
    batch = Batch()
    batch.add(RENEWALS, record({"order_id": "order-1"}))
    batch.add(RENEWALS, record({"cycle_months": 3}))
    batch.add(SERVER_INVENTORY, record({"server_id": "a-s0"}))
    assert [each.is_order for each in design(name).orders(batch)] == orders
    assert list(batch.servers) == [("a", "a-s0")]


def test_the_one_of_november_writes_the_stamp_of_each_register_of_a_server() -> None:
    assert each_stamp('[["t","s","1"],0,["t","s","2"]]') == '[["t","s","1"],["t","s","1"],["t","s","2"]]'
    assert each_stamp('[["t","s","1"],null,null]') == '[["t","s","1"],null,null]'


def design(name: str) -> Design:
    return DESIGNS[name](TEXTS)


def changes(*accounts: str) -> bytes | None:
    return pack(tuple((account, b"2") for account in accounts))


def record(data: dict[str, object]) -> SimpleNamespace:
    return SimpleNamespace(key=b"a", value=orjson.dumps({"data": data}))
