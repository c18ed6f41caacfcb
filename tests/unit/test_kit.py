"""What holds for all tests: the processes that they start end with the test run."""

import re
from pathlib import Path
from typing import Final

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
