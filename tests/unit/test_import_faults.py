"""Exports of old systems that cannot be taken over: every fault by line and column (R42)."""

from pathlib import Path

import pytest

from shared.contracts.imported import MOST_TERMS
from tenure.import_rows import NEEDED_COLUMNS
from tests.kit.cases import cases
from tests.unit.old_exports import ANN, HEAD, SERVERS, Folder

pytestmark = pytest.mark.rule("R42")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@cases(
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


@cases(
    ("email", "why"),
    [
        ("ann.example.com", "the address has no @"),
        ("ann smith@example.com", "the part before the @ cannot be delivered to"),
        ("ann@example..com", "the part after the @ is not a domain"),
    ],
)
def test_an_address_that_no_mail_can_reach_is_named_and_no_fault_since_the_contract_takes_it(
    folder: Folder, email: str, why: str
) -> None:
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('ann@example.com', email)}\n"})
    assert (len(made.imports), made.faults) == (1, [])
    [told] = map(str, made.unreachable)
    assert told == f"{folder.path}/old.csv, line 2, column email: no mail can reach the contact: {why}"


def test_what_one_fault_brings_about_is_no_fault_of_its_own(folder: Folder) -> None:
    made = folder.planned({"old.csv": f"{HEAD}\n{ANN.replace('2026-02-15', '15.02.2026')}\n", "servers.csv": SERVERS})
    assert [(each.line, each.column) for each in made.faults] == [(2, "expires_on")]


def test_servers_whose_subscription_may_stand_in_what_could_not_be_read_are_no_fault(folder: Folder) -> None:
    for unread in (f"{HEAD.replace('email', 'mail')}\n{ANN}", f"{HEAD}\n{ANN},more", f'{HEAD}\n"{ANN}'):
        made = folder.planned({"old.csv": unread, "servers.csv": SERVERS})
        assert [fault.file for fault in made.faults] == [f"{folder.path}/old.csv"]


def test_an_account_id_that_cannot_be_one_is_named_once_though_it_is_the_import_id_too(folder: Folder) -> None:
    assert [each.split(":")[0] for each in folder.faults(ANN.replace("acct-1", "acct 1"))] == [
        "old.csv, line 2, column account_id"
    ]


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
    assert folder.faults(ANN, other, ANN.replace("old-1", "old-3")) == [
        "old.csv, line 4, column account_id: acct-1 stands in old.csv, line 2 already"
    ]


def test_an_import_id_that_is_another_accounts_is_named_whether_it_has_a_column_or_not(folder: Folder) -> None:
    other, named = ANN.replace("acct-1", "acct-2").replace("old-1", "old-2"), f"{HEAD},import_id"
    assert folder.faults(f"{ANN},x", f"{other},x", head=named) == [
        "old.csv, line 3, column import_id: x stands in old.csv, line 2 already"
    ]
    made = folder.planned({"a.csv": f"{named}\n{other},acct-1\n", "b.csv": f"{HEAD}\n{ANN}\n"})
    assert [(fault.line, fault.column) for fault in made.faults] == [(2, "import_id")]


def test_columns_that_are_missing_or_stand_twice_are_named_in_the_head(folder: Folder) -> None:
    assert "old.csv, line 1, column expires_on: is missing; --map COLUMN=FIELD names another" in folder.faults(
        head=HEAD.replace("expires_on", "until")
    )
    assert folder.faults(head=f"{HEAD},email") == ["old.csv, line 1, column email: stands in the head twice"]
    assert any("column account_id: is missing" in each for each in folder.faults(head=""))


def test_a_column_that_is_missing_is_named_once_and_not_again_for_each_row(folder: Folder) -> None:
    bob = ANN.replace("acct-1", "acct-2").replace("old-1", "old-2")
    for missing in NEEDED_COLUMNS:
        found = folder.faults(ANN, bob, head=HEAD.replace(missing, "other"))
        assert found == [f"old.csv, line 1, column {missing}: is missing; --map COLUMN=FIELD names another"]


def test_of_servers_too_a_column_that_is_missing_is_named_once(folder: Folder) -> None:
    for missing in ("account_id", "cores"):
        made = folder.planned({"old.csv": f"{HEAD}\n{ANN}\n", "servers.csv": SERVERS.replace(missing, "other")})
        assert [(fault.line, fault.column) for fault in made.faults] == [(1, missing)]


def test_all_faults_of_a_row_are_named_at_once_that_of_its_balance_too(folder: Folder) -> None:
    found = folder.faults(ANN.replace("advanced", "gold").replace("12.5", "much"))
    assert [each.split(":")[0] for each in found] == [
        "old.csv, line 2, column edition",
        "old.csv, line 2, column balance",
    ]


@pytest.mark.slow
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
        (f'{HEAD}\n"never closed'.encode(), "old.csv, line 2: is no CSV"),
        (b"", "old.csv, line 1, column account_id: is missing"),
        (
            f"{HEAD},email".replace("order_id", "order").encode(),
            "old.csv, line 1, column email: stands in the head twice",
        ),
        (f"{HEAD},email".replace("order_id", "order").encode(), "old.csv, line 1, column order_id: is missing"),
    ],
)
def test_what_is_no_csv_is_said_with_its_line(folder: Folder, content: bytes, fault: str) -> None:
    found = [str(each).replace(f"{folder.path}/", "") for each in folder.planned({"old.csv": content}).faults]
    assert any(each.startswith(fault) for each in found), found


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"account_id\xff\xfe,x\n", 1),
        (f"{HEAD}\n{ANN}\n".encode("utf-16"), 1),
        (f"{HEAD}\n{ANN}\n".encode("utf-16-le"), 1),
        (f"{HEAD}\n{ANN}\n{ANN.replace('Ann', 'Änne')}\n".encode("latin-1"), 3),
    ],
)
def test_a_file_that_is_not_utf_8_has_one_fault_at_its_first_line_that_is_not(
    folder: Folder, content: bytes, line: int
) -> None:
    made = folder.planned({"old.csv": content, "servers.csv": SERVERS})
    assert [(fault.line, fault.column, fault.text) for fault in made.faults] == [
        (line, "", "is not UTF-8; save the file as UTF-8")
    ]


@cases(
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
    assert (one.faults, one.imports[0].partial) == ([], True)


def test_a_chain_that_is_too_long_is_a_fault(folder: Folder) -> None:
    rows = [ANN.replace("old-1", f"old-{number}") for number in range(MOST_TERMS + 1)]
    assert any("terms" in each for each in folder.faults(*rows))
