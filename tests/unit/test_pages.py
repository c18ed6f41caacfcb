"""Pages that are partly generated: they are up to date, and a section is neither lost nor made for nobody."""

from pathlib import Path

import pytest

from tests.pages import PAGES, current, filled

PAGE = "before\n<!-- generated: one -->\nold\n<!-- end -->\nafter <!-- end -->\n"


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_the_generated_sections_are_up_to_date(path: Path) -> None:
    assert path.read_text("utf-8") == current(path), "run `make docs`"


def test_only_what_stands_in_a_section_is_replaced() -> None:
    assert filled(PAGE, {"one": "new\n"}) == PAGE.replace("old", "new")


def test_filling_in_twice_is_filling_in_once() -> None:
    once = filled(PAGE, {"one": "new\n"})
    assert filled(once, {"one": "new\n"}) == once


@pytest.mark.parametrize("sections", [{}, {"one": "", "two": ""}, {"two": ""}])
def test_a_section_on_one_side_only_is_an_error(sections: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="one side only"):
        filled(PAGE, sections)


def test_a_section_that_stands_twice_is_an_error() -> None:
    with pytest.raises(ValueError, match="twice"):
        filled(PAGE + PAGE, {"one": ""})
