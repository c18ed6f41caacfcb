"""Dated price lists in the catalog file (R50): what is read, and every fault by its place."""

import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from shared.contracts.types import Edition
from subscription_service.policy_files import catalog
from subscription_service.policy_files.catalog import load_catalog
from tests.unit.domain.price_lists import dated_table

pytestmark = pytest.mark.rule("R50")


def written(folder: Path, *tables: str, changed: tuple[str, str] = ("", "")) -> Path:
    """The default catalog, with something changed, and these tables at its end."""
    path = folder / "catalog.toml"
    path.write_text("\n".join([catalog.DEFAULT.read_text("utf-8").replace(*changed), *tables]), "utf-8")
    return path


def faults(path: Path) -> list[str]:
    with pytest.raises(ValueError, match=re.escape(f"{path}: ")) as refused:
        load_catalog(path)
    return str(refused.value).removeprefix(f"{path}: ").split("; ")


def test_a_file_without_dates_is_one_list_for_ever() -> None:
    [prices] = load_catalog().price_lists
    assert (prices.version, prices.valid_from) == ("2026-11", date.min)


def test_dated_lists_follow_the_prices_of_the_tables(tmp_path: Path) -> None:
    january = dated_table("2027-01-01").replace(
        'advanced = { server_price = "9.5" }', "advanced={server_price='10.01'}"
    )
    read = load_catalog(written(tmp_path, january, dated_table("2027-02-01")))
    first, second, third = read.price_lists
    assert first == load_catalog().price_lists[0]
    assert (second.version, second.valid_from) == ("list of 2027-01-01", date(2027, 1, 1))
    assert second.editions[Edition.ADVANCED].server_price == Decimal("10.01")
    assert second.editions[Edition.VALUE_ADDED] == first.editions[Edition.VALUE_ADDED]
    assert second.features == first.features
    assert third.valid_from == date(2027, 2, 1)


def test_a_day_may_stand_in_quotes(tmp_path: Path) -> None:
    quoted = dated_table("2027-01-01").replace("= 2027-01-01", '= "2027-01-01"')
    assert load_catalog(written(tmp_path, quoted)).price_lists[1].valid_from == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ('"2027-02-29"', "2027-02-29"),
        ('"soon"', "soon"),
        ("20270101", "20270101"),
        ("2027-01-01T00:00:00Z", "2027-01-01 00:00:00+00:00"),
    ],
)
def test_a_day_that_is_none_is_named(tmp_path: Path, given: str, shown: str) -> None:
    table = dated_table("2027-01-01").replace("= 2027-01-01", f"= {given}")
    assert faults(written(tmp_path, table)) == [
        f"[price_lists.0] valid_from: expected a day such as 2027-01-01, not {shown!r}"
    ]


def test_a_day_that_is_no_toml_is_named_by_its_line(tmp_path: Path) -> None:
    table = dated_table("2027-01-01").replace("= 2027-01-01", "= 2027-02-30")
    [fault] = faults(written(tmp_path, table))
    assert fault.startswith("Invalid date or datetime (at line ")


def test_two_lists_of_one_day_and_lists_in_disorder_are_named(tmp_path: Path) -> None:
    days = ("2027-02-01", "2027-02-01", "2027-01-01")
    tables = [dated_table(each).replace("list of", f"{number} of") for number, each in enumerate(days)]
    assert faults(written(tmp_path, *tables)) == [
        "price_lists: two lists from 2027-02-01 on",
        "the list from 2027-01-01 on stands after that from 2027-02-01 on",
    ]


def test_two_lists_of_one_version_are_named(tmp_path: Path) -> None:
    tables = dated_table("2027-01-01").replace("list of 2027-01-01", "2026-11"), dated_table("2027-02-01")
    assert faults(written(tmp_path, *tables)) == [
        "price_lists: two lists have the version '2026-11', by which orders name theirs"
    ]


def test_every_price_that_a_list_lacks_or_has_too_many_is_named(tmp_path: Path) -> None:
    table = dated_table("2027-01-01")
    for old, new in (
        ('anti-virus = { core_price = "1" }\n', ""),
        ('advanced = { server_price = "9.5" }', 'advanced = { server_price = "9.5", core_price = "1" }'),
        ('ultimate = { server_price = "23.5", core_price = "1" }', 'ultimate = { server_price = "23.5" }'),
        ('honeypot = "25"\n', ""),
    ):
        assert old in table
        table = table.replace(old, new)
    assert faults(written(tmp_path, table)) == [
        "price_lists: no core_price of anti-virus, from 2027-01-01 on",
        "a core_price of advanced, which does not count it, from 2027-01-01 on",
        "no core_price of ultimate, from 2027-01-01 on",
        "no price of honeypot, from 2027-01-01 on",
    ]


def test_the_days_before_the_first_dated_list_need_prices_too(tmp_path: Path) -> None:
    path = written(tmp_path, dated_table("2027-01-01"), changed=('server_price = "9.5"\n', ""))
    assert faults(path) == ["price_lists: no server_price of advanced, before 2027-01-01"]


def test_faults_of_several_tables_are_named_at_once(tmp_path: Path) -> None:
    wrong = dated_table("2027-01-01").replace('"23.5"', "23.5").replace("version", "versoin")
    found = faults(written(tmp_path, wrong, changed=('currency = "USD"', 'currency = "dollars"')))
    assert [fault.partition(": ")[0] for fault in found] == [
        "currency",
        "[price_lists.0] version",
        "[price_lists.0.editions.enterprise] server_price",
        "[price_lists.0.editions.ultimate] server_price",
        "[price_lists.0] versoin",
    ]


def test_a_feature_that_is_not_sold_is_named(tmp_path: Path) -> None:
    [fault] = faults(written(tmp_path, dated_table("2027-01-01").replace("honeypot", "honey")))
    assert fault.startswith("[price_lists.0.features] honey: Input should be 'anti_ransomware_gb'")
