"""What holds for all tests: what they start ends with them, and of many cases in one test each is tried and named."""

import asyncio
import inspect
import re
from pathlib import Path
from typing import Final

import pytest

from tests.kit.cases import cases

TESTS: Final = Path(__file__).parents[1]
STARTS: Final = re.compile(r"subprocess\.Popen\(")


def test_what_a_test_starts_and_does_not_wait_for_ends_with_a_killed_test_run() -> None:
    """`subprocess.run` waits; everything else goes through `tests.kit.process.start`."""
    starting = {str(file.relative_to(TESTS)): file.read_text("utf-8") for file in TESTS.rglob("*.py")}
    alone = {
        name for name, text in starting.items() for found in STARTS.finditer(text)
        if "preexec_fn=ending_with_us()" not in text[found.start() : found.start() + 300]
    }  # fmt: skip
    assert alone == set()


def test_every_case_is_tried_and_those_that_fail_are_named() -> None:
    tried = []

    @cases("first", "ab")
    @cases(("second", "third"), [(1, 1), (2, 1), (3, 3)])
    def test(first: str, second: int, third: int) -> None:
        tried.append(f"{first}{second}")
        assert second == third

    with pytest.RaisesGroup(pytest.RaisesGroup(AssertionError), pytest.RaisesGroup(AssertionError)) as failed:
        test()
    assert tried == ["a1", "a2", "a3", "b1", "b2", "b3"]
    assert "2 of 2 cases failed:\n  first='a'\n  first='b'\n" in str(failed.value)
    assert "1 of 3 cases failed:\n  second=2, third=1\n" in str(failed.value.exceptions[0])


async def test_cases_that_wait_are_tried_too_and_an_error_that_does_not_come_is_a_failure() -> None:
    @cases("number", [1, 0])
    async def test(number: int) -> None:
        await asyncio.sleep(0)
        with pytest.raises(ZeroDivisionError):
            assert 1 / number

    with pytest.raises(BaseExceptionGroup, match=r"1 of 2 cases failed:\n  number=1\n"):
        await test()


def test_a_test_without_cases_fails() -> None:
    @cases("number", [])
    def test(number: int) -> None: ...

    with pytest.raises(AssertionError, match="no case"):
        test()


def test_a_test_of_cases_asks_for_its_fixtures_alone() -> None:
    @cases(("first", "second"), [(1, 2)])
    def test(first: int, tmp_path: Path, second: int) -> None: ...

    assert list(inspect.signature(test).parameters) == ["tmp_path"]
