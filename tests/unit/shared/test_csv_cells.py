"""What a spreadsheet program would take for a formula is shown to it as text."""

import pytest

from shared.runtime.csv_cells import without_formula


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1 (555) 0100", "-2+3+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠SUM(A1)"],
)
def test_a_text_that_begins_as_a_formula_does_is_marked_as_text(text: str) -> None:
    assert without_formula(text) == f"'{text}"


@pytest.mark.parametrize(
    "cell", ["-12.50", "-acct.1:2", "2026-11-02T09:00:00Z", "Ann = Bob", "", None, -3, "true", "林伟"]
)
def test_numbers_ids_and_every_other_text_stay_as_they_are(cell: object) -> None:
    assert without_formula(cell) == cell
