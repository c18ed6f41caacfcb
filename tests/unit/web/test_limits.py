"""The limits of HTTP stand in the table of docs/operations.md with their values."""

import re
from pathlib import Path
from typing import Final

from shared.web import limits
from tests.kit.cases import cases

OPERATIONS: Final = Path(__file__).parents[3] / "docs" / "operations.md"
NAMES: Final = [name for name in vars(limits) if name.isupper()]


def rows() -> list[str]:
    return [line for line in OPERATIONS.read_text("utf-8").splitlines() if line.startswith("| `")]


@cases("name", NAMES)
def test_every_limit_stands_in_one_row_with_its_value(name: str) -> None:
    (row,) = [row for row in rows() if f"`{name}`" in row]
    value = re.escape(f"{getattr(limits, name):,}".removesuffix(".0"))
    assert re.search(rf"(?<![\d.,]){value}(?![\d,]|\.\d)", row)


def test_streams_leave_room_for_other_requests() -> None:
    assert limits.STREAMS_PER_ACCOUNT < limits.STREAMS < limits.CONNECTIONS
    assert limits.LINGER_SECONDS < limits.REQUEST_SECONDS
    assert limits.TOKEN_CHARACTERS < limits.HEADER_BYTES
