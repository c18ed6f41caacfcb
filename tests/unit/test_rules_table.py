"""docs/rules.md is current, and no rule is without a test."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.rules_table import RULES, Proof, document, is_current, proofs


@pytest.fixture(scope="module")
def proven() -> Mapping[str, Sequence[Proof]]:
    return proofs()


def test_the_table_of_rules_is_current(proven: Mapping[str, Sequence[Proof]]) -> None:
    assert is_current(document(proven)), "python -m tests.rules_table --write"


@pytest.mark.parametrize(
    "rule", [*(f"R{number}" for number in range(1, 42)), *(f"G{number}" for number in range(1, 6))]
)
def test_every_rule_is_in_the_table_and_has_tests(rule: str, proven: Mapping[str, Sequence[Proof]]) -> None:
    assert rule in RULES
    assert proven.get(rule)


def test_every_mark_names_a_rule_that_exists(proven: Mapping[str, Sequence[Proof]]) -> None:
    assert proven.keys() <= RULES.keys()


def test_marks_of_a_module_and_of_a_class_count_for_every_test_in_it(tmp_path: Path) -> None:
    source = """
import pytest
pytestmark = [pytest.mark.rule("G1")]

class TestTerms:
    @pytest.mark.rule("R2", "G1")
    def test_one(self): ...

async def test_two(): ...
"""
    (tmp_path / "test_some.py").write_text(source)
    found = proofs(tmp_path)
    assert [proof.test for proof in found["G1"]] == ["TestTerms.test_one", "test_two"]
    assert [proof.test for proof in found["R2"]] == ["TestTerms.test_one"]


def test_a_rule_without_a_test_shows_as_an_empty_cell() -> None:
    assert f"| R1 | {RULES['R1']} |  |\n" in document({})
