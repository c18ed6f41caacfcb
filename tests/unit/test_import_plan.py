"""Exports of old systems: what their rows come to (R42)."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tenure.import_plan import plan
from tests.unit.domain.scenario import RULES
from tests.unit.old_exports import ANN, HEAD, SERVERS, Folder

pytestmark = pytest.mark.rule("R42")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def event(value: bytes | None) -> Any:
    assert value is not None
    return json.loads(value)


def test_a_row_is_a_subscription_with_its_servers_and_its_balance(folder: Folder) -> None:
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": SERVERS})
    assert made.faults == []
    [planned] = made.imports
    data = event(planned.imported)["data"]
    assert (data["import_id"], data["anchor_day"]) == ("acct-1", 15)
    assert (data["auto_renewal"], data["declined"]) == ({"cycle_months": 1}, False)
    assert data["terms"][0]["specification"]["protected_servers"] == 3
    assert [server["server_id"] for server in event(planned.inventory)["data"]["servers"]] == ["s-1", "s-2"]
    assert event(planned.credit)["data"]["amount"] == "12.50"


def test_rows_of_the_same_account_are_a_chain_whose_starts_may_be_left_out(folder: Folder) -> None:
    second = "acct-1,Ann,ann@example.com,old-2,,1,2026-03-15,enterprise,5,,"
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n{second}\n"})
    assert made.faults == []
    terms = event(made.imports[0].imported)["data"]["terms"]
    assert [term["starts_at"] for term in terms] == ["2026-01-15T01:00:00Z", "2026-02-15T16:00:00Z"]
    assert terms[1]["specification"]["edition"] == "enterprise"


@pytest.mark.parametrize(
    "there", ["2026-01-15T09:00:00+08:00", "2026-01-14T20:00:00-05:00", "2026-01-15T01:00:00.000Z"]
)
def test_an_instant_in_another_zone_is_the_same_event(folder: Folder, there: str) -> None:
    [one] = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n"}).imports
    [other] = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('2026-01-15T01:00:00Z', there)}\n"}).imports
    assert one.imported == other.imported


@pytest.mark.rule("R42")
def test_a_term_begins_where_the_one_before_ends_in_the_billing_zone_and_in_no_other(folder: Folder) -> None:
    second = "acct-1,Ann,ann@example.com,old-2,{},1,2026-03-15,enterprise,5,,"
    assert folder.faults(ANN, second.format("2026-02-16T00:00:00+08:00")) == []
    assert folder.faults(ANN, second.format("2026-02-16")) == []
    for elsewhere in ("2026-02-16T00:00:00Z", "2026-02-16T00:00:00+01:00", "2026-02-16T00:00:01+08:00"):
        assert folder.faults(ANN, second.format(elsewhere)) == [
            "old.csv, line 3, column starts_at: expected 2026-02-15T16:00:00Z, where the term before ends"
        ]
    assert folder.faults(ANN, second.format("2026-02-16T00:00:00")) == [
        "old.csv, line 3, column starts_at: expected RFC 3339 with an offset, or a day as YYYY-MM-DD"
    ]


@pytest.mark.rule("R1")
def test_the_anchor_day_is_that_of_the_first_start_where_the_last_day_is_clamped(folder: Folder) -> None:
    january = ANN.replace("2026-01-15T01:00:00Z", "2025-12-31").replace("2026-02-15", "2026-02-28")
    made = folder.planned({"old.csv": f"{HEAD}\n{january}\n"})
    assert event(made.imports[0].imported)["data"]["anchor_day"] == 31


def test_json_lines_have_the_data_of_the_event_with_servers_and_balance(folder: Folder) -> None:
    csv_made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": SERVERS})
    data = event(csv_made.imports[0].imported)["data"]
    servers = event(csv_made.imports[0].inventory)["data"]["servers"]
    made = folder.planned({"old.jsonl": json.dumps({**data, "servers": servers, "balance": "12.50"}) + "\n\n"})
    assert made.faults == []
    first, second = csv_made.imports[0], made.imports[0]
    assert (first.imported, first.inventory, first.credit) == (second.imported, second.inventory, second.credit)


@pytest.mark.rule("R39")
def test_an_equal_row_is_the_same_event_and_a_corrected_one_another_but_never_another_balance(folder: Folder) -> None:
    [one] = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n"}).imports
    [same] = folder.planned({"other.csv": f"{HEAD}\n\n{ANN}\n"}).imports
    [corrected] = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('Ann,', 'Anna,').replace('12.5', '13')}\n"}).imports
    assert event(one.imported)["id"] == event(same.imported)["id"] != event(corrected.imported)["id"]
    assert event(one.credit)["data"]["entry_id"] == event(corrected.credit)["data"]["entry_id"]
    assert len(event(one.imported)["id"]) <= 128


def test_names_of_other_peoples_columns_are_mapped_and_what_is_not_used_is_named(folder: Folder) -> None:
    head = HEAD.replace("account_id", "Customer No.").replace("months,", "term,", 1) + ",remark"
    made = folder.planned({"old.csv": f"{head}\n{ANN},hello\n"}, {"Customer No.": "account_id", "term": "months"})
    assert (len(made.imports), made.faults) == (1, [])
    assert list(made.ignored.values()) == [["remark"]]
    bad = ANN.replace(",1,2026", ",0,2026")
    made = folder.planned({"old.csv": f"{head}\n{bad},hello\n"}, {"Customer No.": "account_id", "term": "months"})
    assert [fault.column for fault in made.faults] == ["term"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_a_byte_order_mark_and_quotes_are_read(folder: Folder, separator: str) -> None:
    quoted = ANN.replace("Ann,", '"O\'Neil, ""Ann""",', 1) if separator == "," else ANN
    content = f"{HEAD}\r\n{quoted}\r\n".replace(",", separator)
    made = folder.planned({"old.csv": b"\xef\xbb\xbf" + content.encode()})
    assert (len(made.imports), made.faults) == (1, [])


def test_the_export_of_the_guide_can_be_taken_over_with_the_names_that_it_gives() -> None:
    root = Path(__file__).parents[2]
    names = re.findall(r"--map (\w+)=(\w+)", (root / "docs" / "moving-in.md").read_text("utf-8"))
    files = [root / "examples" / "moving-in" / name for name in ("kunden.csv", "server.csv")]
    made = plan(files, dict(names), RULES, datetime(2026, 11, 26, tzinfo=UTC))
    assert ([str(fault) for fault in made.faults], len(made.imports)) == ([], 2)
    assert [event(planned.imported)["data"]["anchor_day"] for planned in made.imports] == [1, 15]
