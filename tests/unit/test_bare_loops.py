"""In what the two bare loops differ."""

from types import SimpleNamespace

import orjson
import pytest

from benchmarks.bare_loop.batch import Batch
from benchmarks.bare_loop.designs import DESIGNS, Design
from benchmarks.bare_loop.texts import TypicalTexts
from shared.contracts.topics import LIFECYCLE, RENEWALS, SERVER_INVENTORY, STATE

TEXTS = TypicalTexts('{"id":"e"}', '{"revision":7}', "{}", "{}", "[]", "{}")
STATE_TEXT = TEXTS.state.encode()
EVENT = (LIFECYCLE, 0, 1, b"a", b"event")


def test_the_present_one_publishes_a_document_in_the_place_of_its_last_change() -> None:
    first, other, last = ((STATE, 0, sequence, key, None) for sequence, key in ((1, b"a"), (2, b"b"), (3, b"a")))
    published = design("bare").to_publish([EVENT, first, other, last])
    assert published == [EVENT, (*other[:4], STATE_TEXT), (*last[:4], STATE_TEXT)]


def test_the_one_of_november_publishes_every_entry() -> None:
    rows = [EVENT, (STATE, 0, 1, b"a", STATE_TEXT), (STATE, 0, 2, b"a", STATE_TEXT)]
    assert design("bare-2026-11").to_publish(rows) == rows


def test_the_log_of_the_present_one_holds_no_document() -> None:
    assert design("bare").state_entry()[0] is None
    assert design("bare-2026-11").state_entry()[0] == STATE_TEXT


@pytest.mark.parametrize(("name", "orders"), [("bare", [True]), ("bare-2026-11", [True, False])])
def test_a_switch_is_an_order_to_the_one_of_november_only(name: str, orders: list[bool]) -> None:
    batch = Batch()
    batch.add(RENEWALS, record({"order_id": "order-1"}))
    batch.add(RENEWALS, record({"cycle_months": 3}))
    batch.add(SERVER_INVENTORY, record({"server_id": "a-s0"}))
    assert [each.is_order for each in design(name).orders(batch)] == orders
    assert list(batch.servers) == [("a", "a-s0")]


def design(name: str) -> Design:
    return DESIGNS[name](TEXTS)


def record(data: dict[str, object]) -> SimpleNamespace:
    return SimpleNamespace(key=b"a", value=orjson.dumps({"data": data}))
