"""Exports of old systems: what their rows come to, and every fault by line and column (R42)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from shared.contracts.imported import MOST_TERMS
from tenure.import_plan import Plan, plan
from tests.unit.domain.scenario import RULES

pytestmark = pytest.mark.rule("R42")
NOW: Final = datetime(2026, 1, 20, 4, tzinfo=UTC)
HEAD: Final = (
    "account_id,name,email,order_id,starts_at,months,expires_on,edition,protected_servers,auto_renewal_months,balance"
)
ANN: Final = "acct-1,Ann,ann@example.com,old-1,2026-01-15T01:00:00Z,1,2026-02-15,advanced,3,1,12.5"
SERVERS: Final = "account_id,server_id,cores,bound\nacct-1,s-1,4,no\nacct-1,s-2,8,no\n"


class Folder:
    """Files of an export, and what they come to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def planned(self, files: Mapping[str, str | bytes], mapped: Mapping[str, str] | None = None) -> Plan:
        for name, content in files.items():
            (self.path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return plan([self.path / name for name in files], mapped or {}, RULES, NOW)

    def faults(self, *lines: str, head: str = HEAD, **mapped: str) -> list[str]:
        """Of a file of subscriptions, without the folder's name."""
        made = self.planned({"old.csv": "\n".join([head, *lines])}, mapped)
        assert not [move for move in made.moves if made.faults and not lines]
        return [str(fault).replace(f"{self.path}/", "") for fault in made.faults]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def event(value: bytes | None) -> Any:
    assert value is not None
    return json.loads(value)


def test_a_row_is_a_subscription_with_its_servers_and_its_balance(folder: Folder) -> None:
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": SERVERS})
    assert made.faults == []
    [move] = made.moves
    data = event(move.imported)["data"]
    assert (data["import_id"], data["anchor_day"]) == ("acct-1", 15)
    assert (data["auto_renewal"], data["declined"]) == ({"cycle_months": 1}, False)
    assert data["terms"][0]["specification"]["protected_servers"] == 3
    assert [server["server_id"] for server in event(move.inventory)["data"]["servers"]] == ["s-1", "s-2"]
    assert event(move.credit)["data"]["amount"] == "12.50"


def test_rows_of_the_same_account_are_a_chain_whose_starts_may_be_left_out(folder: Folder) -> None:
    second = "acct-1,Ann,ann@example.com,old-2,,1,2026-03-15,enterprise,5,,"
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n{second}\n"})
    assert made.faults == []
    terms = event(made.moves[0].imported)["data"]["terms"]
    assert [term["starts_at"] for term in terms] == ["2026-01-15T01:00:00Z", "2026-02-15T16:00:00Z"]
    assert terms[1]["specification"]["edition"] == "enterprise"


@pytest.mark.parametrize(
    "there", ["2026-01-15T09:00:00+08:00", "2026-01-14T20:00:00-05:00", "2026-01-15T01:00:00.000Z"]
)
def test_an_instant_in_another_zone_is_the_same_event(folder: Folder, there: str) -> None:
    [one] = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n"}).moves
    [other] = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('2026-01-15T01:00:00Z', there)}\n"}).moves
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
        "old.csv, line 3, column starts_at: expected RFC 3339 with an offset"
    ]


@pytest.mark.rule("R1")
def test_the_anchor_day_is_that_of_the_first_start_where_the_last_day_is_clamped(folder: Folder) -> None:
    january = ANN.replace("2026-01-15T01:00:00Z", "2025-12-31").replace("2026-02-15", "2026-02-28")
    made = folder.planned({"old.csv": f"{HEAD}\n{january}\n"})
    assert event(made.moves[0].imported)["data"]["anchor_day"] == 31


def test_json_lines_have_the_data_of_the_event_with_servers_and_balance(folder: Folder) -> None:
    csv_made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": SERVERS})
    data = event(csv_made.moves[0].imported)["data"]
    servers = event(csv_made.moves[0].inventory)["data"]["servers"]
    made = folder.planned({"old.jsonl": json.dumps({**data, "servers": servers, "balance": "12.50"}) + "\n\n"})
    assert made.faults == []
    first, second = csv_made.moves[0], made.moves[0]
    assert (first.imported, first.inventory, first.credit) == (second.imported, second.inventory, second.credit)


@pytest.mark.rule("R39")
def test_an_equal_row_is_the_same_event_and_a_corrected_one_another_but_never_another_balance(folder: Folder) -> None:
    [one] = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n"}).moves
    [same] = folder.planned({"other.csv": f"{HEAD}\n\n{ANN}\n"}).moves
    [corrected] = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('Ann,', 'Anna,').replace('12.5', '13')}\n"}).moves
    assert event(one.imported)["id"] == event(same.imported)["id"] != event(corrected.imported)["id"]
    assert event(one.credit)["data"]["entry_id"] == event(corrected.credit)["data"]["entry_id"]
    assert len(event(one.imported)["id"]) <= 128


def test_names_of_other_peoples_columns_are_mapped_and_what_is_not_used_is_named(folder: Folder) -> None:
    head = HEAD.replace("account_id", "Customer No.").replace("months,", "term,", 1) + ",remark"
    made = folder.planned({"old.csv": f"{head}\n{ANN},hello\n"}, {"Customer No.": "account_id", "term": "months"})
    assert (len(made.moves), made.faults) == (1, [])
    assert list(made.ignored.values()) == [["remark"]]
    bad = ANN.replace(",1,2026", ",0,2026")
    made = folder.planned({"old.csv": f"{head}\n{bad},hello\n"}, {"Customer No.": "account_id", "term": "months"})
    assert [fault.column for fault in made.faults] == ["term"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_a_byte_order_mark_and_quotes_are_read(folder: Folder, separator: str) -> None:
    quoted = ANN.replace("Ann,", '"O\'Neil, ""Ann""",', 1) if separator == "," else ANN
    content = f"{HEAD}\r\n{quoted}\r\n".replace(",", separator)
    made = folder.planned({"old.csv": b"\xef\xbb\xbf" + content.encode()})
    assert (len(made.moves), made.faults) == (1, [])


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("2026-02-15", "15.02.2026", "old.csv, line 2, column expires_on: expected a day as YYYY-MM-DD"),
        ("2026-01-15T01:00:00Z", "yesterday", "old.csv, line 2, column starts_at: expected RFC 3339"),
        (
            "2026-01-15T01:00:00Z",
            "2026-01-20T04:00:01Z",
            "old.csv, line 2, column starts_at: expected an instant that has",
        ),
        ("advanced", "gold", "old.csv, line 2, column edition: Input should be"),
        ("advanced,3", "advanced,many", "old.csv, line 2, column protected_servers: Input should be a valid integer"),
        ("3,1,12.5", "3,2,12.5", "old.csv, line 2, column auto_renewal_months: Input should be 1, 3 or 12"),
        (",1,2026", ",0,2026", "old.csv, line 2, column months: Input should be greater than or equal to 1"),
        ("12.5", "-3.00", "old.csv, line 2, column balance: expected 0.00 or more"),
        ("12.5", "1,50", "old.csv, line 2: has 12 columns, and the head has 11"),
        ("12.5", "much", "old.csv, line 2, column balance: expected an amount such as 12.50"),
        ("acct-1", "acct 1", "old.csv, line 2, column account_id: String should match pattern"),
        ("old-1", "", "old.csv, line 2, column order_id: String should match pattern"),
        ("ann@example.com", "", "old.csv, line 2, column email: Field required"),
        ("Ann,", '"Ann"x,', "old.csv, line 2: is no CSV"),
    ],
)
def test_each_fault_is_named_by_line_and_column(folder: Folder, old: str, new: str, fault: str) -> None:
    found = folder.faults(ANN.replace(old, new, 1))
    assert any(each.startswith(fault) for each in found), found


def test_what_one_fault_brings_about_is_no_fault_of_its_own(folder: Folder) -> None:
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('2026-02-15', '15.02.2026')}\n", "servers.csv": SERVERS})
    assert [(each.line, each.column) for each in made.faults] == [(2, "expires_on")]


def test_faults_of_a_chain_stand_at_the_row_of_their_term(folder: Folder) -> None:
    gap = "acct-1,Ann,ann@example.com,old-2,2026-02-17,1,2026-03-15,advanced,3,,"
    assert folder.faults(ANN, gap) == [
        "old.csv, line 3, column starts_at: expected 2026-02-15T16:00:00Z, where the term before ends"
    ]
    again = "acct-1,Ann,ann@example.com,old-1,,1,2026-03-15,advanced,3,,"
    assert folder.faults(ANN, again) == ["old.csv, line 3, column order_id: expected another one than in terms.0"]


def test_every_id_stands_in_one_place_only(folder: Folder) -> None:
    other = ANN.replace("acct-1", "acct-2").replace("old-1", "old-2")
    assert folder.faults(ANN, other.replace("old-2", "old-1")) == [
        f"old.csv, line 3, column order_id: old-1 stands in {folder.path}/old.csv, line 2 already".replace(
            f"{folder.path}/", ""
        )
    ]
    assert [each.split(":")[0] for each in folder.faults(ANN, other, ANN.replace("old-1", "old-3"))] == [
        "old.csv, line 4, column account_id",
        "old.csv, line 4, column import_id",
    ]


def test_columns_that_are_missing_or_stand_twice_are_named_in_the_head(folder: Folder) -> None:
    assert "old.csv, line 1, column expires_on: is missing; --map COLUMN=FIELD names another" in folder.faults(
        head=HEAD.replace("expires_on", "until")
    )
    assert folder.faults(head=f"{HEAD},email") == ["old.csv, line 1, column email: stands in the head twice"]
    assert any("column account_id: is missing" in each for each in folder.faults(head=""))


def test_all_of_ten_thousand_faults_are_named_and_nothing_is_kept_back(folder: Folder) -> None:
    lines = [
        ANN.replace("acct-1", f"a-{n}").replace("old-1", f"o-{n}").replace("advanced", "gold") for n in range(10_000)
    ]
    found = folder.faults(*lines)
    assert len(found) == 10_000
    assert found[-1].startswith("old.csv, line 10001, column edition")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"account_id\xff\xfe,x\n", "old.csv, line 1: is not UTF-8"),
        (f"{HEAD}\n{ANN}\n".encode("utf-16"), "old.csv, line 1: is not UTF-8"),
        (b'account_id\n"never closed', "old.csv, line 2: is no CSV"),
        (b"", "old.csv, line 1, column account_id: is missing"),
    ],
)
def test_what_is_no_csv_is_said_with_its_line(folder: Folder, content: bytes, fault: str) -> None:
    found = [str(each).replace(f"{folder.path}/", "") for each in folder.planned({"old.csv": content}).faults]
    assert any(each.startswith(fault) for each in found), found


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "old.jsonl, line 1: is no JSON"),
        ("[1]", "old.jsonl, line 1: expected a JSON object"),
        ('{"account_id": "a"}', "old.jsonl, line 1"),
        ('{"account_id": "a", "terms": 7}', "old.jsonl, line 1, column terms"),
        ('{"account_id": "a", "terms": [], "servers": 7}', "old.jsonl, line 1, column servers"),
        ("\ufeff{}", "old.jsonl, line 1"),
    ],
)
def test_what_is_no_import_in_json_lines_is_said_with_its_line(folder: Folder, line: str, fault: str) -> None:
    found = [str(each).replace(f"{folder.path}/", "") for each in folder.planned({"old.jsonl": line}).faults]
    assert any(each.startswith(fault) for each in found), found


def test_servers_without_a_subscription_and_scattered_ones_are_faults(folder: Folder) -> None:
    scattered = f"{SERVERS}acct-9,s-1,1,no\nacct-1,s-3,1,no\n"
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": scattered})
    assert [(fault.line, fault.column, fault.text.partition(" stands")[0]) for fault in made.faults] == [
        (5, "account_id", "acct-1"),
        (4, "account_id", "no subscription of this account is in the files"),
    ]


@pytest.mark.rule("R33")
def test_more_bound_servers_than_were_bought_are_a_fault(folder: Folder) -> None:
    head, partial = f"{HEAD},protection_mode", f"{ANN.replace('advanced,3', 'advanced,1')},partial"
    bound = SERVERS.replace(",no", ",yes")
    made = folder.planned({"old.csv": f"{head}\n{partial}\n", "servers.csv": bound})
    assert [(fault.column, fault.text) for fault in made.faults] == [
        ("bound", "2 servers with 12 cores bound, more than bought")
    ]
    one = folder.planned({"old.csv": f"{head}\n{partial}\n", "servers.csv": bound.replace("8,yes", "8,no")})
    assert (one.faults, one.moves[0].partial) == ([], True)


def test_a_chain_that_is_too_long_is_a_fault(folder: Folder) -> None:
    rows = [ANN.replace("old-1", f"old-{number}") for number in range(MOST_TERMS + 1)]
    assert any("terms" in each for each in folder.faults(*rows))


def test_the_export_of_the_guide_can_be_taken_over_with_the_names_that_it_gives() -> None:
    root = Path(__file__).parents[2]
    names = re.findall(r"--map (\w+)=(\w+)", (root / "docs" / "moving-in.md").read_text("utf-8"))
    files = [root / "examples" / "moving-in" / name for name in ("kunden.csv", "server.csv")]
    made = plan(files, dict(names), RULES, datetime(2026, 11, 26, tzinfo=UTC))
    assert ([str(fault) for fault in made.faults], len(made.moves)) == ([], 2)
    assert [event(move.imported)["data"]["anchor_day"] for move in made.moves] == [1, 15]
