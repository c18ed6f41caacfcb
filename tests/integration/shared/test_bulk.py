"""Bulk statements on a real database: what is written is read again, whatever the column's type."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from sqlalchemy import BigInteger, Column, DateTime, LargeBinary, MetaData, Numeric, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlmodel import Field, SQLModel

from shared.storage.bulk import Bulk, Row, delete, insert, insert_new, update, upsert
from shared.storage.columns import Selection, names_of
from shared.storage.database import Connection, Engine, connect, transaction


class Sample(SQLModel, table=True):
    """A column of each type that our tables have."""

    __tablename__ = "sample"
    metadata: ClassVar[MetaData] = MetaData()
    owner: str = Field(primary_key=True, sa_type=Text)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    price: Decimal | None = Field(default=None, sa_column=Column(Numeric(20, 2)))
    at: datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True)))
    present: bool
    raw: bytes | None = Field(default=None, sa_type=LargeBinary)
    note: Any = Field(default=None, sa_column=Column(JSONB))
    state: Any = Field(default=None, sa_column=Column(JSON))
    day: date | None = None
    reason: str | None = Field(default=None, sa_type=Text)
    words: str = Field(sa_column=Column(Text, nullable=False, server_default=""))


ALL = Selection(Sample)
READ = Bulk(Sample, "SELECT {columns} FROM sample JOIN {rows} USING ({names}) ORDER BY number", ["owner"], reads=ALL)
NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
FULL: Row = {
    "owner": "acct-1",
    "number": 1,
    "price": Decimal("12.30"),
    "at": NOON,
    "present": True,
    "raw": b"\x00\xff",
    "note": '{"a": 1}',
    "state": '{"b":  [2], "c": "say \\"x\\" \\\\ \\n"}',
    "day": date.max,
    "reason": 'two\nlines, "quoted", and a back\\slash; null',
    "words": "null",
}
EMPTY: Row = {**dict.fromkeys(names_of(Sample)), "owner": "acct-1", "number": 2, "present": False, "words": ""}


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[Engine]:
    engine = connect(database_url, "public")
    async with transaction(engine) as connection:
        await connection.run_sync(Sample.metadata.create_all)
    yield engine
    await engine.dispose()


@pytest.fixture
async def connection(engine: Engine) -> AsyncIterator[Connection]:
    async with transaction(engine) as connection:
        await insert(Sample).run(connection, [FULL, EMPTY])
        yield connection


async def _read(connection: Connection) -> list[dict[str, object]]:
    return [row._asdict() for row in await READ.fetch(connection, [{"owner": "acct-1"}])]


async def test_every_type_comes_back_as_it_went_in(connection: Connection) -> None:
    assert await _read(connection) == [FULL, EMPTY]


@pytest.mark.parametrize(
    "text", ["null", "NULL", "", "{a,b}", 'say "x"', "back\\slash", "two\nlines", "\t\x7f\u2028 续费"]
)
async def test_any_text_of_a_key_or_that_may_be_null_comes_back(engine: Engine, text: str) -> None:
    async with transaction(engine) as connection:
        await insert(Sample).run(connection, [{**FULL, "owner": text, "reason": text}])
        [row] = await READ.fetch(connection, [{"owner": text}])
        assert (row.owner, row.reason) == (text, text)


async def test_the_last_day_is_stored_as_the_driver_stores_it(connection: Connection) -> None:
    """What is read with a parameter of the driver finds what was written with an array."""
    found = await connection.execute(sql("SELECT count(*) FROM sample WHERE day = :day"), {"day": date.max})
    assert found.scalar_one() == 1


async def test_what_is_there_already_is_not_inserted_again(connection: Connection) -> None:
    again = insert(Sample, or_ignore=True, returning=Selection(Sample, "number"))
    assert [number for (number,) in await again.fetch(connection, [FULL, {**FULL, "number": 3}])] == [3]


async def test_what_is_new_is_inserted_and_the_keys_of_the_rest_come_back(connection: Connection) -> None:
    new = insert_new(Sample)
    assert await new.fetch(connection, [{**FULL, "number": 3}]) == []
    known = await new.fetch(connection, [FULL, {**FULL, "number": 4}, {**FULL, "number": 3}])
    assert sorted(known) == [("acct-1", 1), ("acct-1", 3)]
    assert [row["number"] for row in await _read(connection)] == [1, 2, 3, 4]


async def test_an_upsert_sets_and_adds(connection: Connection) -> None:
    more = upsert(Sample, ("owner", "number", "price", "present"), add=["price"])
    row = {"owner": "acct-1", "number": 1, "price": Decimal(1), "present": False}
    assert await more.run(connection, [row, {**row, "number": 4}]) == 2
    prices = {found["number"]: found["price"] for found in await _read(connection)}
    assert prices == {1: Decimal("13.30"), 2: None, 4: Decimal(1)}


async def test_a_null_leaves_a_document_as_it_is(connection: Connection) -> None:
    change = update(Sample, ("owner", "number", "present", "state"), keep_if_null=["state"])
    await change.run(
        connection,
        [
            {"owner": "acct-1", "number": 1, "present": False, "state": None},
            {"owner": "acct-1", "number": 2, "present": True, "state": '{"new":1}'},
        ],
    )
    assert await _read(connection) == [{**FULL, "present": False}, {**EMPTY, "present": True, "state": '{"new":1}'}]


async def test_an_update_may_have_a_condition_and_tells_how_many_rows_it_wrote(connection: Connection) -> None:
    change = update(Sample, ("owner", "number", "price"), only_if="sample.price < n.price AND n.owner <> :but")
    rows = [{"owner": "acct-1", "number": number, "price": Decimal(20)} for number in (1, 2)]
    assert await change.run(connection, rows, but="acct-2") == 1


async def test_rows_are_deleted_by_their_keys(connection: Connection) -> None:
    assert await delete(Sample, ["owner", "number"]).run(connection, [{"owner": "acct-1", "number": 2}]) == 1
    assert await _read(connection) == [FULL]


async def test_no_rows_are_no_statement(connection: Connection) -> None:
    nothing = Bulk(Sample, "This is no SQL", ["owner"])
    assert await nothing.run(connection, []) == 0
    assert await nothing.fetch(connection, []) == ()


@pytest.mark.parametrize("row", [{"owner": "acct-1", "number": 1}, {"number": 1}])
async def test_a_row_with_other_names_than_the_statement_is_refused(connection: Connection, row: Row) -> None:
    with pytest.raises((KeyError, ValueError)):
        await delete(Sample, ["owner"]).run(connection, [row])
