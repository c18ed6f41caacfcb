"""The SQL of bulk statements, as it is made from a SQLModel class."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from shared.storage.bulk import Bulk, delete, insert, insert_new, update, upsert
from shared.storage.columns import Selection, keys_of, literal_of, names_of, type_of


class Sample(SQLModel, table=True):
    """A table with a key of two columns, a number with its precision, and a document."""

    __tablename__ = "sample"
    metadata: ClassVar[MetaData] = MetaData()
    owner: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    price: Decimal | None = Field(default=None, sa_column=Column(Numeric(20, 2)))
    note: Any = Field(default=None, sa_column=Column(JSONB))


class Values(SQLModel, table=True):
    """A column of each type, as rows write them."""

    __tablename__ = "value"
    metadata: ClassVar[MetaData] = MetaData()
    owner: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(sa_type=BigInteger)
    price: Decimal | None = Field(default=None, sa_column=Column(Numeric(20, 2)))
    at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    day: date | None
    present: bool
    note: Any = Field(default=None, sa_column=Column(JSONB))
    reason: str | None = Field(default=None, sa_type=Text)
    words: str = Field(sa_type=Text)
    raw: bytes | None = Field(default=None, sa_type=LargeBinary)


OWNER = "CAST(CAST(:owner AS text) AS TEXT[])"
KEYS = f"{OWNER}, CAST(CAST(:number AS text) AS BIGINT[])"


def test_names_keys_and_types_come_from_the_class() -> None:
    assert names_of(Sample, without=["note"]) == ("owner", "number", "price")
    assert keys_of(Sample) == ("owner", "number")
    assert type_of(Sample, "price") == "NUMERIC(20, 2)"


def test_rows_go_in_as_an_array_per_column_and_a_document_as_text() -> None:
    assert insert(Sample).sql == (
        "INSERT INTO sample (owner, number, price, note) SELECT owner, number, price, note FROM"
        " (SELECT owner, number, price, CAST(note AS JSONB) AS note"
        f" FROM unnest({KEYS}, CAST(CAST(:price AS text) AS NUMERIC(20, 2)[]), CAST(CAST(:note AS text) AS text[]))"
        " AS n (owner, number, price, note)) AS n"
    )


def test_what_is_there_already_is_left_out_and_the_rest_returned() -> None:
    assert insert(Sample, ("owner", "number"), or_ignore=True, returning=Selection(Sample, "number", "note")).sql == (
        f"INSERT INTO sample (owner, number) SELECT owner, number FROM unnest({KEYS}) AS n (owner, number)"
        " ON CONFLICT DO NOTHING RETURNING number, CAST(note AS text) AS note"
    )


def test_what_is_new_is_inserted_and_the_keys_of_the_rest_are_returned() -> None:
    assert insert_new(Sample, ("owner", "number")).sql == (
        f"WITH given AS MATERIALIZED (SELECT * FROM unnest({KEYS}) AS n (owner, number)),"
        " known AS MATERIALIZED (SELECT owner, number FROM given JOIN sample USING (owner, number)),"
        " added AS (INSERT INTO sample (owner, number) SELECT owner, number FROM given"
        " WHERE (owner, number) NOT IN (SELECT owner, number FROM known)) SELECT owner, number FROM known"
    )


def test_an_upsert_sets_or_adds_what_is_no_key() -> None:
    assert upsert(Sample, ("owner", "number", "price")).sql.endswith(
        " ON CONFLICT (owner, number) DO UPDATE SET price = excluded.price"
    )
    assert upsert(Sample, ("owner", "number", "price"), add=["price"]).sql.endswith(
        " DO UPDATE SET price = sample.price + excluded.price"
    )


def test_an_update_keeps_what_a_null_stands_for() -> None:
    made = update(Sample, keep_if_null=["note"], only_if="sample.price < n.price").sql
    assert made.startswith("UPDATE sample SET price = n.price, note = coalesce(n.note, sample.note) FROM (SELECT ")
    assert made.endswith(" AS n WHERE sample.owner = n.owner AND sample.number = n.number AND sample.price < n.price")


def test_a_delete_goes_by_the_columns_that_it_is_given() -> None:
    assert delete(Sample, ["owner", "number"]).sql == (
        f"DELETE FROM sample USING unnest({KEYS}) AS n (owner, number)"
        " WHERE sample.owner = n.owner AND sample.number = n.number"
    )


def test_a_statement_by_hand_takes_rows_names_and_what_it_reads() -> None:
    statement = "SELECT {columns} FROM sample JOIN {rows} USING ({names})"
    assert Bulk(Sample, statement, ["owner"], reads=Selection(Sample, "number", "note")).sql == (
        f"SELECT number, CAST(note AS text) AS note FROM sample JOIN unnest({OWNER}) AS n (owner) USING (owner)"
    )


def test_a_further_name_has_the_type_of_its_column() -> None:
    assert Bulk(Sample, "SELECT {names} FROM {rows}", ["owner"], also={"expected": "number"}).sql == (
        f"SELECT owner, expected FROM unnest({OWNER}, CAST(CAST(:expected AS text) AS BIGINT[])) AS n (owner, expected)"
    )


def test_a_column_that_the_class_does_not_have_is_refused() -> None:
    with pytest.raises(KeyError, match="colour"):
        insert(Sample, ["owner", "colour"])


def test_rows_read_have_names() -> None:
    (row,) = Selection(Sample, "owner", "price").rows([("acct-1", Decimal(2))])
    assert (row.owner, row.price) == ("acct-1", 2)


def _array(name: str, values: Sequence[object]) -> str:
    write = literal_of(Values, name)
    assert write is not None
    return write(values)


def test_numbers_instants_and_truth_values_are_written_as_an_array_in_text() -> None:
    assert _array("number", [1, -2]) == "{1,-2}"
    assert _array("price", [Decimal("12.30"), None]) == '{"12.30",null}'
    assert _array("at", [datetime(2026, 11, 26, 12, 0, 0, 5, UTC), None]) == '{"2026-11-26T12:00:00.000005Z",null}'
    assert _array("present", [True, False]) == "{true,false}"


def test_the_last_day_is_infinity_as_the_driver_writes_it() -> None:
    assert _array("day", [date(9999, 12, 30), date.max, None]) == '{"9999-12-30","infinity",null}'


def test_documents_and_texts_are_written_as_an_array_in_text() -> None:
    assert _array("note", ['{"a":"say \\"x\\""}', None]) == r"""{"{\"a\":\"say \\\"x\\\"\"}",null}"""
    assert _array("owner", ["acct-1", "a b,{}"]) == '{"acct-1","a b,{}"}'
    assert _array("owner", ['say "x"', "back\\slash"]) == '{"say \\"x\\"","back\\\\slash"}'
    assert _array("words", ["two\n\nparagraphs", "tab\tand \u0001"]) == '{"two\n\nparagraphs","tab\tand \u0001"}'
    assert _array("reason", ["null", "two\nlines", None]) == '{"null","two\nlines",NULL}'


def test_bytes_are_encoded_by_the_driver() -> None:
    assert literal_of(Values, "raw") is None
